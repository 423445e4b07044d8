#pragma once

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
    constexpr std::size_t most_shown = 20;
    if (all_.empty()) return;
    std::string message = "not supported: ";
    for (std::size_t i = 0; i < all_.size() && i < most_shown; ++i) message += (i > 0 ? "; " : "") + all_[i];
    if (all_.size() > most_shown) message += "; and " + std::to_string(all_.size() - most_shown) + " more";
    throw Error(ErrorCode::model, message);
  }

 private:
  std::vector<std::string> all_;
};

}  // namespace calib8
