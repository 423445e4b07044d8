#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "base/shape.h"

namespace calib8 {

/// A step through a tensor's elements that takes about `wanted` of them and, where there are more, visits all
/// its channels (the last dimension) alike.
inline std::size_t sampling_stride(const Shape& shape, std::size_t wanted) {
  const auto count = static_cast<std::size_t>(element_count(shape).value_or(0));
  const auto channels = static_cast<std::size_t>(shape.empty() ? 1 : shape.back());
  std::size_t stride = std::max<std::size_t>(1, (count + wanted - 1) / wanted);
  while (stride > 1 && std::gcd(stride, channels) != 1) ++stride;
  return stride;
}

}  // namespace calib8
