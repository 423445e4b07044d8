// Pools over volumes, and the transforms DFT and STFT, each by its definition.

#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

#include "onnx_reference.h"

namespace calib8::property {
namespace {

constexpr std::size_t axes_of_volume = 3;

/// One axis of a pool: where its windows stand.
struct PoolAxis {
  std::int64_t size, kernel, stride, before = 0, after = 0, places = 0;
};

PoolAxis pool_axis(const OnnxNode& node, std::size_t axis, std::int64_t size) {
  const Ints ones(axes_of_volume, 1), zeros(2 * axes_of_volume, 0);
  PoolAxis result{size, node.get_ints("kernel_shape", ones).at(axis),
                  node.get_ints("strides", ones).at(axis)};
  const std::string auto_pad = node.get_string("auto_pad", "NOTSET");
  if (auto_pad == "NOTSET") {
    result.before = node.get_ints("pads", zeros).at(axis);
    result.after = node.get_ints("pads", zeros).at(axis + axes_of_volume);
  } else if (auto_pad != "VALID") {
    const std::int64_t places = (size + result.stride - 1) / result.stride;
    const std::int64_t total = std::max<std::int64_t>(0, (places - 1) * result.stride + result.kernel - size);
    result.before = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
    result.after = total - result.before;
  }
  const std::int64_t room = size + result.before + result.after - result.kernel;
  if (room < 0) throw std::logic_error("a window larger than its volume");
  result.places = room / result.stride + 1;
  const bool overhangs = node.get_int("ceil_mode", 0) != 0 && room % result.stride != 0;
  // One that starts in the padding behind the volume is left out.
  if (overhangs && result.places * result.stride < size + result.before) ++result.places;
  return result;
}

Array pool_volume(const OnnxNode& node, const Array& x) {
  std::vector<PoolAxis> axes;
  Shape shape{x.shape[0], x.shape[1]};
  for (std::size_t axis = 0; axis < axes_of_volume; ++axis) {
    axes.push_back(pool_axis(node, axis, x.shape[axis + 2]));
    shape.push_back(axes.back().places);
  }
  const bool is_max = node.op_type == "MaxPool", counts_padding = node.get_int("count_include_pad", 0) != 0;
  const Ints strides = strides_of(x.shape);
  return build(shape, [&](const Index& index) {
    Real largest{-std::numeric_limits<double>::infinity(), 0};
    Sum sum;
    build({axes[0].kernel, axes[1].kernel, axes[2].kernel}, [&](const Index& tap) {
      Index at = index;
      for (std::size_t axis = 0; axis < axes_of_volume; ++axis) {
        at[axis + 2] = index[axis + 2] * axes[axis].stride - axes[axis].before + tap[axis];
        if (at[axis + 2] < 0 || at[axis + 2] >= axes[axis].size) return Real{};
      }
      const Real element = x.elements[offset_at(strides, at)];
      largest = larger(largest, element);
      sum.add(element);
      return Real{};
    });
    if (is_max) return largest;
    auto count = static_cast<std::int64_t>(sum.count());
    if (counts_padding) {
      count = 1;
      for (std::size_t axis = 0; axis < axes_of_volume; ++axis) {
        const PoolAxis& along = axes[axis];
        const std::int64_t start = index[axis + 2] * along.stride - along.before;
        count *= std::min(start + along.kernel, along.size + along.after) - start;
      }
    }
    return sum.total() / Real{static_cast<double>(count)};
  });
}

/// A wave's value, as float32 holds it.
Real wave(double value) {
  return {value, 1e-7};
}

/// The sum over `count` numbers of number(i) [real, imaginary] times the wave of a bin: its real or imaginary
/// part.
template <class Number>
Real bin_of(std::int64_t bin, std::int64_t points, std::int64_t count, bool inverse, bool imaginary,
            Number number) {
  Sum sum;
  for (std::int64_t i = 0; i < std::min(count, points); ++i) {
    const double angle = (inverse ? 2 : -2) * std::numbers::pi * static_cast<double>(bin * i % points) /
                         static_cast<double>(points);
    const Real cosine = wave(std::cos(angle)), sine = wave(std::sin(angle));
    sum.add(number(i, false) * (imaginary ? sine : cosine));
    sum.add(number(i, true) * (imaginary ? cosine : -sine));
  }
  return inverse ? sum.total() / Real{static_cast<double>(points)} : sum.total();
}

Array transform(const OnnxNode& node, const Operands& in) {
  const Array& x = *in[0];
  const auto number_of = [&](std::size_t position, std::int64_t otherwise) {
    return in.size() > position && in[position] ? integers_of(*in[position]).at(0) : otherwise;
  };
  const std::size_t axis = axis_of(number_of(2, -2), x.shape.size());
  const bool inverse = node.get_int("inverse", 0) != 0, onesided = node.get_int("onesided", 0) != 0;
  const std::int64_t count = x.shape[axis], parts = x.shape.back(), points = number_of(1, count);
  if (axis + 1 >= x.shape.size() || parts > 2 || (onesided && (inverse || parts == 2)))
    throw std::logic_error("a transform of something else");
  Shape shape = x.shape;
  shape[axis] = onesided ? points / 2 + 1 : points;
  shape.back() = 2;
  const Ints strides = strides_of(x.shape);
  return build(shape, [&](const Index& index) {
    return bin_of(index[axis], points, count, inverse, index.back() == 1,
                  [&](std::int64_t i, bool imaginary) {
                    if (imaginary && parts == 1) return Real{};
                    Index at = index;
                    at[axis] = i;
                    at.back() = imaginary ? 1 : 0;
                    return x.elements[offset_at(strides, at)];
                  });
  });
}

Array transform_frames(const OnnxNode& node, const Operands& in) {
  const Array& x = *in[0];  // [N, L, 1]
  const Array* window = in.size() > 2 ? in[2] : nullptr;
  const std::int64_t step = integers_of(*in.at(1)).at(0);
  const std::int64_t length = in.size() > 3 && in[3] ? integers_of(*in[3]).at(0) : window->shape.at(0);
  if (x.shape.size() != 3 || x.shape[2] != 1 || x.shape[1] < length)
    throw std::logic_error("frames of something else");
  const bool onesided = node.get_int("onesided", 1) != 0;
  const Shape shape{x.shape[0], (x.shape[1] - length) / step + 1, onesided ? length / 2 + 1 : length, 2};
  return build(shape, [&](const Index& index) {
    return bin_of(index[2], length, length, false, index[3] == 1, [&](std::int64_t i, bool imaginary) {
      if (imaginary) return Real{};
      const Real element = x.elements[static_cast<std::size_t>(index[0] * x.shape[1] + index[1] * step + i)];
      return window ? element * window->elements[static_cast<std::size_t>(i)] : element;
    });
  });
}

}  // namespace

std::vector<Array> evaluate_volumes(const OnnxNode& node, const Operands& in) {
  const std::string& op = node.op_type;
  const bool is_pool = op == "MaxPool" || op == "AveragePool";
  if (is_pool && in[0]->shape.size() == axes_of_volume + 2) return {pool_volume(node, *in[0])};
  if (op == "DFT") return {transform(node, in)};
  if (op == "STFT") return {transform_frames(node, in)};
  return {};
}

}  // namespace calib8::property
