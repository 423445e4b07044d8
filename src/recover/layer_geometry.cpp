#include "recover/layer_geometry.h"

#include <algorithm>

namespace calib8 {
namespace {

/// Of SAME padding: what hangs over before the first element.
std::ptrdiff_t overhang(const WindowAxis& axis) {
  // A transposed convolution pads as the convolution that it turns around.
  const std::ptrdiff_t from = axis.transposed ? axis.output : axis.input;
  const std::ptrdiff_t to = axis.transposed ? axis.input : axis.output;
  const std::ptrdiff_t covered = (to - 1) * axis.stride + (axis.window - 1) * axis.dilation + 1;
  return std::max<std::ptrdiff_t>(covered - from, 0) / 2;
}

void set_axis(WindowAxis& axis, std::int64_t input, std::int64_t output, std::int64_t window,
              std::int32_t stride, std::int32_t dilation, tflite::Padding padding) {
  axis.input = input, axis.output = output, axis.window = window;
  axis.stride = stride, axis.dilation = dilation;
  if (padding == tflite::Padding::same) axis.before = overhang(axis);
}

/// Of an image [N, H, W, C] and weights of [?, height, width, ?].
LayerGeometry over_image(const TfliteGraph& graph, TensorId data) {
  LayerGeometry geometry;
  geometry.data = data;
  geometry.images = static_cast<std::size_t>(graph[data].shape.at(0));
  geometry.channels = static_cast<std::size_t>(graph[data].shape.at(3));
  return geometry;
}

template <class Convolution>
void set_windows(LayerGeometry& geometry, const TfliteGraph& graph, const TfliteOperator& op,
                 const Convolution& convolution) {
  const Shape &input = graph[geometry.data].shape, &weights = graph[op.inputs[1]].shape;
  const Shape& output = graph[op.outputs[0]].shape;
  std::int32_t down = 1, across = 1;
  if constexpr (requires { convolution.dilation_height; })
    down = convolution.dilation_height, across = convolution.dilation_width;
  set_axis(geometry.height, input[1], output[1], weights[1], convolution.stride_height, down,
           convolution.padding);
  set_axis(geometry.width, input[2], output[2], weights[2], convolution.stride_width, across,
           convolution.padding);
}

}  // namespace

std::optional<std::ptrdiff_t> WindowAxis::meets(std::ptrdiff_t place, std::ptrdiff_t tap) const {
  std::ptrdiff_t at = place * stride + tap * dilation - before;
  if (transposed) {
    const std::ptrdiff_t shifted = place + before - tap;
    if (shifted < 0 || shifted % stride != 0) return std::nullopt;
    at = shifted / stride;
  }
  if (at < 0 || at >= input) return std::nullopt;
  return at;
}

std::pair<std::ptrdiff_t, std::ptrdiff_t> WindowAxis::reach(std::ptrdiff_t first, std::ptrdiff_t last) const {
  std::ptrdiff_t from = input, to = -1;
  for (std::ptrdiff_t place = first; place <= last; ++place) {
    for (std::ptrdiff_t tap = 0; tap < window; ++tap) {
      const auto at = meets(place, tap);
      if (!at) continue;
      from = std::min(from, *at);
      to = std::max(to, *at);
    }
  }
  if (to < from) return {0, 0};
  return {from, to};
}

std::optional<LayerGeometry> layer_geometry(const TfliteGraph& graph, OperatorId id) {
  const TfliteOperator& op = graph[id];
  if (const auto* convolution = op.get_if<tflite::Conv2D>()) {
    LayerGeometry geometry = over_image(graph, op.inputs[0]);
    geometry.depth = static_cast<std::size_t>(graph[op.inputs[1]].shape.at(3));
    geometry.groups = geometry.channels / geometry.depth;
    set_windows(geometry, graph, op, *convolution);
    return geometry;
  }
  if (const auto* depthwise = op.get_if<tflite::DepthwiseConv2D>()) {
    LayerGeometry geometry = over_image(graph, op.inputs[0]);
    geometry.groups = geometry.channels;
    set_windows(geometry, graph, op, *depthwise);
    return geometry;
  }
  if (const auto* transposed = op.get_if<tflite::TransposeConv>()) {
    LayerGeometry geometry = over_image(graph, op.inputs[2]);
    geometry.depth = geometry.channels;
    geometry.height.transposed = geometry.width.transposed = true;
    set_windows(geometry, graph, op, *transposed);
    return geometry;
  }
  if (op.is<tflite::FullyConnected>()) {
    LayerGeometry geometry;
    geometry.data = op.inputs[0];
    geometry.channels = geometry.depth = static_cast<std::size_t>(graph[op.inputs[1]].shape.at(1));
    const auto elements = static_cast<std::size_t>(element_count(graph[geometry.data].shape).value_or(0));
    geometry.images = elements / std::max<std::size_t>(geometry.channels, 1);
    return geometry;
  }
  return std::nullopt;
}

}  // namespace calib8
