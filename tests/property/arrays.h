#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/shape.h"
#include "base/tensor.h"
#include "real.h"

/// The array operations that both reference evaluators are written with: by their definitions, nothing
/// clever.
namespace calib8::property {

/// Row-major. Integers and booleans stand in it as numbers without error.
struct Array {
  Shape shape;
  std::vector<Real> elements;
  DType dtype = DType::float32;
};

using Ints = std::vector<std::int64_t>;
using Index = std::vector<std::int64_t>;

Array array_of(const Tensor& tensor);
Array array_of(Shape shape, std::span<const float> values);
Array filled(Shape shape, Real value);
Ints integers_of(const Array& array);

std::size_t count_of(const Shape& shape);
Ints strides_of(const Shape& shape);

inline std::size_t offset_at(const Ints& strides, const Index& index) {
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < index.size(); ++i) offset += strides[i] * index[i];
  return static_cast<std::size_t>(offset);
}

/// element(index) for each index of the shape.
template <class Element>
Array build(Shape shape, Element element) {
  Array result;
  const std::size_t count = count_of(shape);
  result.elements.reserve(count);
  Index index(shape.size(), 0);
  for (std::size_t i = 0; i < count; ++i) {
    result.elements.push_back(element(static_cast<const Index&>(index)));
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  result.shape = std::move(shape);
  return result;
}

template <class Function>
Array map(const Array& x, Function function) {
  Array result{x.shape, {}};
  result.elements.reserve(x.elements.size());
  for (const Real& element : x.elements) result.elements.push_back(function(element));
  return result;
}

/// The shape that two broadcast to; throws std::logic_error where they don't.
Shape broadcast_shape(const Shape& a, const Shape& b);
/// Strides that read an array as if it had this shape, which it broadcasts to.
Ints broadcast_strides_of(const Shape& from, const Shape& to);
Array expanded(const Array& x, const Shape& shape);

template <class Function>
Array combine(const Array& a, const Array& b, Function function) {
  const Shape shape = broadcast_shape(a.shape, b.shape);
  const Ints to_a = broadcast_strides_of(a.shape, shape), to_b = broadcast_strides_of(b.shape, shape);
  return build(shape, [&](const Index& index) {
    return function(a.elements[offset_at(to_a, index)], b.elements[offset_at(to_b, index)]);
  });
}

Array reshaped(const Array& x, Shape shape);
Array permuted(const Array& x, const Ints& permutation);
Array padded(const Array& x, const Ints& before, const Ints& after, Real value);
/// `count` elements from `begin` on, `step` apart, along each axis.
Array sliced(const Array& x, const Ints& begin, const Ints& step, const Ints& count);
Array joined(const std::vector<const Array*>& parts, std::size_t axis);
Array gathered(const Array& x, std::size_t axis, const Array& indices);
Array tiled(const Array& x, const Ints& repeats);

enum class Reduction { sum, mean, max, min, product };
Array reduced(const Array& x, const Ints& axes, bool keeps_dimensions, Reduction kind);

/// Matrices in the last two dimensions, the others broadcast.
Array multiplied(const Array& a, const Array& b);
Array softmax(const Array& x, std::size_t axis, double beta);

/// Windows over height and width of [N, C, H, W].
struct Windows {
  std::int64_t kernel[2], stride[2], dilation[2], before[2], output[2];
};
/// weights [O, C / group, H, W]; bias [O] or null.
Array convolved(const Array& x, const Array& weights, const Array* bias, std::int64_t group,
                const Windows& windows);
/// weights [C, O / group, H, W]; what falls outside of the output is dropped; bias [O] or null.
Array convolved_transposed(const Array& x, const Array& weights, const Array* bias, std::int64_t group,
                           const Windows& windows);
Array max_pooled(const Array& x, const Windows& windows);
/// The mean over the elements that a window meets; with `after` also over the padding, up to that many
/// elements behind the image.
Array average_pooled(const Array& x, const Windows& windows, const std::int64_t* after);

}  // namespace calib8::property
