#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/tensor.h"

namespace calib8 {

/// What folding may make out of little (a broadcast, a range) has at most this many bytes; a node whose
/// result would be larger stays in the graph.
inline constexpr std::int64_t most_folded_bytes = std::int64_t{1} << 28;

/// True where a tensor of this shape and type is small enough to be made by folding.
bool is_foldable_size(const Shape& shape, DType dtype);

/// The strides, in elements, of a contiguous tensor.
Shape row_major_strides(const Shape& shape);

/// The strides that read a contiguous tensor of shape `from` as if it had the shape `to` that it broadcasts
/// to.
Shape broadcast_strides(const Shape& from, const Shape& to);

/// The tensor with element [i, j, ...] = source's element number `offset` + i * strides[0] + j * strides[1] +
/// ...; the caller has checked that all of these exist.
Tensor copy_strided(const Tensor& source, const Shape& shape, const Shape& strides, std::int64_t offset = 0);

/// `source` broadcast to `shape`.
Tensor broadcast_to(const Tensor& source, const Shape& shape);

/// Calls body(number of the output's element, number of a's, number of b's) for each element of a broadcast
/// of a and b to `shape`, in order.
template <class Body>
void for_each_pair(const Shape& shape, const Shape& strides_a, const Shape& strides_b, Body&& body) {
  const std::int64_t count = element_count(shape).value();
  if (count == 0) return;
  Shape index(shape.size(), 0);
  std::int64_t a = 0, b = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    body(i, a, b);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      a += strides_a[axis];
      b += strides_b[axis];
      if (++index[axis] < shape[axis]) break;
      a -= strides_a[axis] * shape[axis];
      b -= strides_b[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace calib8
