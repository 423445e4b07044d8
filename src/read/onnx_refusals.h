#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "calib8/error.h"

namespace calib8 {

/// All that a file asks for and calib8 can't do, collected so that it is told at once.
class OnnxRefusals {
 public:
  /// One thing, with its place: "Loop 'decoder' (node 12) is control flow".
  void add(std::string what) { all_.push_back(std::move(what)); }

  /// Fails with ErrorCode::model where there are any.
  void throw_if_any() const {
    constexpr std::size_t most_shown = 20, longest = 4000;  // names may have 4096 bytes each
    if (all_.empty()) return;
    std::string message = "not supported: ";
    std::size_t shown = 0;
    for (; shown < std::min(all_.size(), most_shown) && message.size() < longest; ++shown)
      message += (shown > 0 ? "; " : "") + all_[shown];
    if (all_.size() > shown) message += "; and " + std::to_string(all_.size() - shown) + " more";
    throw Error(ErrorCode::model, message);
  }

 private:
  std::vector<std::string> all_;
};

}  // namespace calib8
