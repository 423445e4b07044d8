#include <algorithm>
#include <cmath>
#include <limits>

#include "optimize/not_negative.h"
#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> PAD(1, 1) -> CONV_2D(3x3, stride 1, VALID) -> y      =>      x -> CONV_2D(3x3, stride 1, SAME) -> y
//
// Only where SAME would pad by exactly as much on every side. (With stride 2 it often pads the other side.)
// DEPTHWISE_CONV_2D likewise. MAX_POOL_2D too, whose SAME pads with nothing at all: behind a PADV2 with the
// lowest float, or a PAD with zero where no element is negative.

namespace calib8 {
namespace {

/// A window over height and width.
struct Window {
  std::int64_t height, width, stride_height, stride_width;
};

std::int64_t dilated(std::int64_t kernel, std::int64_t dilation) {
  return (kernel - 1) * dilation + 1;
}

template <class Op>
Window window_of(const Op& op, const Shape& weights) {
  return {dilated(weights[1], op.dilation_height), dilated(weights[2], op.dilation_width), op.stride_height,
          op.stride_width};
}

/// The operator's window and the field that says how it is padded.
struct Padded {
  Window window;
  tflite::Padding* padding;
  bool is_pool;
};

std::optional<Padded> as_padded(TfliteGraph& graph, OperatorId id) {
  TfliteOperator& op = graph[id];
  if (auto* conv = op.get_if<tflite::Conv2D>())
    return Padded{window_of(*conv, graph[op.inputs[1]].shape), &conv->padding, false};
  if (auto* conv = op.get_if<tflite::DepthwiseConv2D>())
    return Padded{window_of(*conv, graph[op.inputs[1]].shape), &conv->padding, false};
  if (auto* pool = op.get_if<tflite::MaxPool2D>())
    return Padded{{pool->filter_height, pool->filter_width, pool->stride_height, pool->stride_width},
                  &pool->padding,
                  true};
  return std::nullopt;
}

/// True where SAME pads `size` elements by exactly `before` and `after`.
bool is_same(std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t before,
             std::int64_t after) {
  const std::int64_t windows = (size + stride - 1) / stride;
  const std::int64_t total = std::max<std::int64_t>((windows - 1) * stride + kernel - size, 0);
  return before == total / 2 && after == total - total / 2;
}

/// True where the window operator may read what PAD wrote as if it weren't there.
bool pads_neutrally(const TfliteGraph& graph, const TfliteOperator& pad, bool is_pool) {
  if (pad.is<tflite::Pad>()) return !is_pool || is_not_negative(graph, pad.inputs[0]);
  if (!pad.is<tflite::PadV2>()) return false;
  const auto value = uniform_value(graph, pad.inputs[2]);
  if (!value) return false;
  return is_pool ? *value <= std::numeric_limits<float>::lowest() : *value == 0;
}

}  // namespace

bool fold_pad_into_same(TfliteGraph& graph, OperatorId id) {
  const auto padded = as_padded(graph, id);
  if (!padded || *padded->padding != tflite::Padding::valid) return false;
  const OperatorId pad = graph.producer(graph[id].inputs[0]);
  if (!pad.exists() || !pads_neutrally(graph, graph[pad], padded->is_pool)) return false;
  const auto paddings = integers_of(graph, graph[pad].inputs[1], 8);
  const Shape& shape = graph[graph[pad].inputs[0]].shape;
  const Window& window = padded->window;
  if (!paddings || shape.size() != 4 || window.stride_height < 1 || window.stride_width < 1) return false;
  const std::vector<std::int64_t>& by = *paddings;
  if (by[0] != 0 || by[1] != 0 || by[6] != 0 || by[7] != 0) return false;
  if (!is_same(shape[1], window.height, window.stride_height, by[2], by[3]) ||
      !is_same(shape[2], window.width, window.stride_width, by[4], by[5]))
    return false;
  *padded->padding = tflite::Padding::same;
  graph.set_input(id, 0, graph[pad].inputs[0]);
  remove_if_unused(graph, pad);
  return true;
}

}  // namespace calib8
