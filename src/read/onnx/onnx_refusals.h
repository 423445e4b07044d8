#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "calib8/error.h"

namespace calib8 {

/// All that a file asks for and calib8 can't do, collected so that it is told at once.
class OnnxRefusals {
 public:
  /// One thing, with its place: "Loop 'decoder' (node 12) is control flow".
  void add(std::string what) { all_.push_back(std::move(what)); }

  /// An operator that calib8 doesn't know, with its node's description: told once, with its first place and
  /// how often it occurs.
  void add_operator(const std::string& op_type, const std::string& description) {
    const auto [found, is_new] = operators_.emplace(op_type, Operator{all_.size(), description, 0});
    if (is_new) all_.emplace_back();
    Operator& op = found->second;
    ++op.count;
    all_[op.place] = op.first + " is an unknown operator";
    if (op.count > 1) all_[op.place] += " (" + std::to_string(op.count) + " times)";
  }

  const std::vector<std::string>& all() const { return all_; }

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
  struct Operator {
    std::size_t place;  ///< In all_.
    std::string first;
    std::size_t count;
  };

  std::vector<std::string> all_;
  std::map<std::string, Operator> operators_;
};

}  // namespace calib8
