#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <vector>

#include "optimize/reference_evaluator.h"

/// For tests only: what the reference evaluator builds its operators from.
namespace calib8::testing {

using Index = std::vector<std::int64_t>;

inline std::int64_t offset_of(const Shape& shape, const Index& index) {
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) offset = offset * shape[i] + index[i];
  return offset;
}

/// An array of `shape` whose element at each index is what `element` says.
inline Array build(const Shape& shape, const std::function<double(const Index&)>& element) {
  Array result{shape, {}};
  const std::int64_t count = element_count(shape).value();
  Index index(shape.size(), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    result.elements.push_back(element(index));
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  return result;
}

inline double at(const Array& array, const Index& index) {
  for (std::size_t i = 0; i < index.size(); ++i) {
    if (index[i] < 0 || index[i] >= array.shape[i]) throw std::logic_error("index out of range");
  }
  return array.elements[static_cast<std::size_t>(offset_of(array.shape, index))];
}

inline double activated(tflite::Activation activation, double value) {
  switch (activation) {
    case tflite::Activation::relu:
      return std::max(value, 0.0);
    case tflite::Activation::relu6:
      return std::min(std::max(value, 0.0), 6.0);
    case tflite::Activation::relu_n1_to_1:
      return std::min(std::max(value, -1.0), 1.0);
    default:
      return value;
  }
}

inline Array unary(const Array& x, const std::function<double(double)>& function) {
  return build(x.shape, [&](const Index& index) { return function(at(x, index)); });
}

inline Array binary(const Array& a, const Array& b, const std::function<double(double, double)>& function) {
  const std::size_t rank = std::max(a.shape.size(), b.shape.size());
  Shape shape(rank, 1);
  for (const Array* side : {&a, &b}) {
    const std::size_t shift = rank - side->shape.size();
    for (std::size_t i = 0; i < side->shape.size(); ++i) {
      std::int64_t& size = shape[shift + i];
      if (size != 1 && side->shape[i] != 1 && size != side->shape[i])
        throw std::logic_error("can't broadcast");
      size = size == 1 ? side->shape[i] : size;
    }
  }
  const auto broadcast = [&](const Array& side, const Index& index) {
    Index own(side.shape.size());
    for (std::size_t i = 0; i < own.size(); ++i)
      own[i] = side.shape[i] == 1 ? 0 : index[rank - own.size() + i];
    return at(side, own);
  };
  return build(shape, [&](const Index& index) { return function(broadcast(a, index), broadcast(b, index)); });
}

/// A window that slides over height and width of an image [N, H, W, C], as TensorFlow pads it.
struct Window {
  tflite::Padding padding;
  std::int64_t kernel[2], stride[2], dilation[2];

  std::int64_t count(int axis, std::int64_t size) const {
    const std::int64_t extent = (kernel[axis] - 1) * dilation[axis] + 1;
    if (padding == tflite::Padding::same) return (size + stride[axis] - 1) / stride[axis];
    return (size - extent) / stride[axis] + 1;
  }
  std::int64_t start(int axis, std::int64_t size, std::int64_t position) const {
    std::int64_t before = 0;
    if (padding == tflite::Padding::same) {
      const std::int64_t extent = (kernel[axis] - 1) * dilation[axis] + 1;
      before = std::max<std::int64_t>((count(axis, size) - 1) * stride[axis] + extent - size, 0) / 2;
    }
    return position * stride[axis] - before;
  }
  /// Calls visit(y, x, ky, kx) for every element of the image that the window at (row, column) covers.
  template <class Visit>
  void each(const Shape& image, std::int64_t row, std::int64_t column, Visit visit) const {
    for (std::int64_t ky = 0; ky < kernel[0]; ++ky) {
      for (std::int64_t kx = 0; kx < kernel[1]; ++kx) {
        const std::int64_t y = start(0, image[1], row) + ky * dilation[0];
        const std::int64_t x = start(1, image[2], column) + kx * dilation[1];
        if (y >= 0 && y < image[1] && x >= 0 && x < image[2]) visit(y, x, ky, kx);
      }
    }
  }
};

}  // namespace calib8::testing
