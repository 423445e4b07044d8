#pragma once

#include <algorithm>

namespace calib8 {

/// The closed interval of a tensor's real values.
struct Range {
  float low = 0;
  float high = 0;

  friend bool operator==(const Range&, const Range&) = default;
};

/// The smallest range that holds both.
inline Range hull(Range a, Range b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

/// The range widened to hold zero, as an affine quantization needs it: zero must be exact (paddings are
/// zeros).
inline Range with_zero(Range range) {
  return hull(range, {0, 0});
}

}  // namespace calib8
