#include <stdexcept>

#include "onnx_reference.h"

namespace calib8::property {
namespace {

/// Convolutions and pools along one dimension run as images of height 1.
Array as_image(const Array& x) {
  if (x.shape.size() == 4) return x;
  return reshaped(x, {x.shape.at(0), x.shape.at(1), 1, x.shape.at(2)});
}
Array as_it_was(Array y, std::size_t rank) {
  if (rank == 3) y.shape.erase(y.shape.begin() + 2);
  return y;
}

/// A node's window, and what of the padding stands behind the image.
struct NodeWindows {
  Windows windows;
  std::int64_t after[2];
};

/// The sizes of kernel, strides, dilations and pads by the specification; `output` is left open.
NodeWindows read_windows(const OnnxNode& node, Shape kernel, const Shape& image) {
  const std::size_t count = kernel.size(), missing = 2 - count;
  const Ints strides = node.get_ints("strides", Ints(count, 1)),
             dilations = node.get_ints("dilations", Ints(count, 1));
  const Ints pads = node.get_ints("pads", Ints(2 * count, 0));
  const std::string auto_pad = node.get_string("auto_pad", "NOTSET");
  NodeWindows result{{{1, 1}, {1, 1}, {1, 1}, {0, 0}, {1, 1}}, {0, 0}};
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t to = missing + i;
    Windows& windows = result.windows;
    windows.kernel[to] = kernel[i];
    windows.stride[to] = strides.at(i);
    windows.dilation[to] = dilations.at(i);
    windows.before[to] = auto_pad == "NOTSET" ? pads.at(i) : 0;
    result.after[to] = auto_pad == "NOTSET" ? pads.at(count + i) : 0;
    if (auto_pad.starts_with("SAME")) {
      const std::int64_t size = image[to + 2], places = (size + strides[i] - 1) / strides[i];
      const std::int64_t extent = (kernel[i] - 1) * dilations[i] + 1;
      const std::int64_t total = std::max<std::int64_t>(0, (places - 1) * strides[i] + extent - size);
      windows.before[to] = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
      result.after[to] = total - windows.before[to];
    }
  }
  return result;
}

void place_windows(NodeWindows& node, const Shape& image, bool ceil_mode) {
  Windows& windows = node.windows;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t extent = (windows.kernel[i] - 1) * windows.dilation[i] + 1, size = image[i + 2];
    const std::int64_t room = size + windows.before[i] + node.after[i] - extent;
    if (room < 0) throw std::logic_error("a window larger than its image");
    windows.output[i] = room / windows.stride[i] + 1;
    // One that starts in the padding behind the image is left out.
    if (ceil_mode && room % windows.stride[i] != 0 &&
        windows.output[i] * windows.stride[i] < size + windows.before[i])
      ++windows.output[i];
  }
}

Shape spatial(const Shape& shape) {
  return {shape.begin() + 2, shape.end()};
}

/// Over volumes, with strides of 1 and no padding.
Array convolve_volume(const OnnxNode& node, const Operands& in) {
  if (node.has("pads") || node.has("strides") || node.has("group"))
    throw std::logic_error("an unknown volume");
  const Array &x = *in[0], &weights = *in[1];
  Shape shape{x.shape[0], weights.shape[0]};
  for (std::size_t axis = 2; axis < 5; ++axis) shape.push_back(x.shape[axis] - weights.shape[axis] + 1);
  const Ints to_x = strides_of(x.shape), to_weights = strides_of(weights.shape);
  return build(shape, [&](const Index& index) {
    Sum sum;
    build({weights.shape.begin() + 1, weights.shape.end()}, [&](const Index& tap) {
      const Index at{index[0], tap[0], index[2] + tap[1], index[3] + tap[2], index[4] + tap[3]};
      sum.add(x.elements[offset_at(to_x, at)] *
              weights.elements[offset_at(to_weights, {index[1], tap[0], tap[1], tap[2], tap[3]})]);
      return Real{};
    });
    return in.size() > 2 && in[2] ? sum.total() + in[2]->elements[static_cast<std::size_t>(index[1])]
                                  : sum.total();
  });
}

Array convolve(const OnnxNode& node, const Operands& in) {
  if (in[0]->shape.size() == 5) return convolve_volume(node, in);
  const Array x = as_image(*in[0]), weights = as_image(*in.at(1));
  NodeWindows windows = read_windows(node, spatial(in[1]->shape), x.shape);
  place_windows(windows, x.shape, false);
  const Array* bias = in.size() > 2 ? in[2] : nullptr;
  return as_it_was(convolved(x, weights, bias, node.get_int("group", 1), windows.windows),
                   in[0]->shape.size());
}

Array convolve_transposed(const OnnxNode& node, const Operands& in) {
  const Array x = as_image(*in[0]), weights = as_image(*in.at(1));
  const Shape kernel = spatial(in[1]->shape);
  const std::size_t count = kernel.size(), missing = 2 - count;
  OnnxNode plain = node;
  const std::string auto_pad = node.get_string("auto_pad", "NOTSET");
  plain.attributes.erase("auto_pad");
  NodeWindows read = read_windows(plain, kernel, x.shape);
  Windows& windows = read.windows;
  const Ints extra = node.get_ints("output_padding", Ints(count, 0)),
             wanted = node.get_ints("output_shape", {});
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t to = missing + i;
    const std::int64_t extent = (windows.kernel[to] - 1) * windows.dilation[to] + 1;
    const std::int64_t full = windows.stride[to] * (x.shape[to + 2] - 1) + extra.at(i) + extent;
    if (!wanted.empty() || auto_pad.starts_with("SAME")) {
      windows.output[to] =
          wanted.empty() ? x.shape[to + 2] * windows.stride[to] : wanted.at(wanted.size() - count + i);
      const std::int64_t total = std::max<std::int64_t>(0, full - windows.output[to]);
      windows.before[to] = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
    } else {
      windows.output[to] = full - windows.before[to] - read.after[to];
    }
    if (windows.output[to] < 1) throw std::logic_error("a transposed convolution without output");
  }
  const Array* bias = in.size() > 2 ? in[2] : nullptr;
  return as_it_was(convolved_transposed(x, weights, bias, node.get_int("group", 1), windows),
                   in[0]->shape.size());
}

Array pool(const OnnxNode& node, const Operands& in) {
  const Array x = as_image(*in[0]);
  NodeWindows windows = read_windows(node, node.get_ints("kernel_shape", {}), x.shape);
  place_windows(windows, x.shape, node.get_int("ceil_mode", 0) != 0);
  const bool counts_padding = node.get_int("count_include_pad", 0) != 0;
  return as_it_was(node.op_type == "MaxPool"
                       ? max_pooled(x, windows.windows)
                       : average_pooled(x, windows.windows, counts_padding ? windows.after : nullptr),
                   in[0]->shape.size());
}

Array pool_globally(const Array& x, Reduction kind) {
  Ints axes;
  for (std::size_t i = 2; i < x.shape.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  return reduced(x, axes, true, kind);
}

Array gemm(const OnnxNode& node, const Operands& in) {
  const auto turned = [&](const Array& x, const char* attribute) {
    return node.get_int(attribute, 0) != 0 ? permuted(x, {1, 0}) : x;
  };
  const Real alpha{static_cast<double>(node.get_float("alpha", 1)), 0};
  const Real beta{static_cast<double>(node.get_float("beta", 1)), 0};
  const Array product = map(multiplied(turned(*in[0], "transA"), turned(*in.at(1), "transB")),
                            [&](Real x) { return alpha * x; });
  if (in.size() < 3 || !in[2]) return product;
  return combine(product, *in[2], [&](Real x, Real c) { return x + beta * c; });
}

Array matmul(const Operands& in) {
  Array a = *in[0], b = *in.at(1);
  const bool is_row = a.shape.size() == 1, is_column = b.shape.size() == 1;
  if (is_row) a.shape.insert(a.shape.begin(), 1);
  if (is_column) b.shape.push_back(1);
  Array product = multiplied(a, b);
  if (is_column) product.shape.pop_back();
  if (is_row) product.shape.erase(product.shape.end() - (is_column ? 1 : 2));
  return product;
}

/// Where in a line of `input` elements Resize reads for element x, in float32 as ONNX Runtime has it.
float coordinate(const std::string& mode, float x, std::int64_t input, std::int64_t output, float scale) {
  if (mode == "asymmetric") return x / scale;
  if (mode == "pytorch_half_pixel" && output == 1) return 0;
  if (mode == "align_corners") {
    if (output == 1) return 0;
    return x * static_cast<float>(input - 1) / static_cast<float>(output - 1);
  }
  return (x + 0.5f) / scale - 0.5f;
}

float nearest(const std::string& rounding, float at) {
  if (rounding == "floor") return std::floor(at);
  if (rounding == "ceil") return std::ceil(at);
  return rounding == "round_prefer_ceil" ? std::floor(at + 0.5f) : std::ceil(at - 0.5f);
}

/// Resizes one axis.
Array resize_axis(const OnnxNode& node, const Array& x, std::size_t axis, std::int64_t size, float scale) {
  const std::string mode = node.get_string("coordinate_transformation_mode", "half_pixel");
  const bool is_linear = node.get_string("mode", "nearest") == "linear";
  const std::int64_t last = x.shape[axis] - 1;
  Shape shape = x.shape;
  shape[axis] = size;
  const Ints strides = strides_of(x.shape);
  return build(shape, [&](Index index) {
    float at = coordinate(mode, static_cast<float>(index[axis]), x.shape[axis], size, scale);
    const auto element = [&](double place) {
      index[axis] = std::clamp<std::int64_t>(static_cast<std::int64_t>(place), 0, last);
      return x.elements[offset_at(strides, index)];
    };
    if (!is_linear)
      return element(static_cast<double>(nearest(node.get_string("nearest_mode", "round_prefer_floor"), at)));
    const double place = std::clamp(static_cast<double>(at), 0.0, static_cast<double>(last));
    const double part = place - std::floor(place);
    const Real low = element(std::floor(place)), high = element(std::floor(place) + 1);
    // The place itself is rounded, by up to a ten-thousandth of an element.
    Real result = low * Real{1 - part, 0} + high * Real{part, 0};
    result.error += 1e-4 * std::abs(high.value - low.value);
    return result;
  });
}

Array resize(const OnnxNode& node, const Operands& in) {
  Array result = *in[0];
  Ints axes = node.get_ints("axes", {});
  for (std::size_t i = 0; axes.size() < result.shape.size() && !node.has("axes"); ++i)
    axes.push_back(static_cast<std::int64_t>(i));
  const bool has_scales = in.size() > 2 && in[2] && !in[2]->elements.empty();
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = axis_of(axes[i], result.shape.size());
    const std::int64_t before = result.shape[axis];
    const Real given = (has_scales ? in[2] : in.at(3))->elements.at(i);
    const auto scale = has_scales ? static_cast<float>(given.value)
                                  : static_cast<float>(given.value) / static_cast<float>(before);
    const auto size = has_scales ? static_cast<std::int64_t>(std::floor(static_cast<float>(before) * scale))
                                 : static_cast<std::int64_t>(given.value);
    if (size != before || scale != 1.0f) result = resize_axis(node, result, axis, size, scale);
  }
  return result;
}

}  // namespace

std::vector<Array> evaluate_windows(const OnnxNode& node, const Operands& in) {
  const std::string& op = node.op_type;
  if (op == "Conv") return {convolve(node, in)};
  if (op == "ConvTranspose") return {convolve_transposed(node, in)};
  if (op == "MaxPool" || op == "AveragePool") return {pool(node, in)};
  if (op == "GlobalAveragePool") return {pool_globally(*in[0], Reduction::mean)};
  if (op == "GlobalMaxPool") return {pool_globally(*in[0], Reduction::max)};
  if (op == "Gemm") return {gemm(node, in)};
  if (op == "MatMul") return {matmul(in)};
  if (op == "Resize") return {resize(node, in)};
  return {};
}

}  // namespace calib8::property
