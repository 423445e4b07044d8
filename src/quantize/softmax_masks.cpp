#include "quantize/softmax_masks.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/softmax_readers.h"

namespace calib8 {
namespace {

/// No score is that low: rows without a higher element are masked as a whole.
constexpr float lowest_score = -1e4f;

}  // namespace

std::optional<SoftmaxMask> softmax_mask(const TfliteGraph& graph, OperatorId id, Range other, double levels) {
  const TfliteOperator& op = graph[id];
  const auto* sum = op.get_if<tflite::Add>();
  if (!sum || sum->activation != tflite::Activation::none) return std::nullopt;
  const bool second = graph.is_constant(op.inputs[1]);
  if (second == graph.is_constant(op.inputs[0]) || !only_softmax_reads(graph, op.outputs[0]))
    return std::nullopt;
  SoftmaxMask mask{.constant = second ? std::size_t{1} : std::size_t{0}};
  const TfliteTensor& constant = graph[op.inputs[mask.constant]];
  const Shape& shape = graph[op.outputs[0]].shape;
  if (constant.dtype != DType::float32 || constant.shape.empty() || constant.shape.back() < 2)
    return std::nullopt;
  const auto row = static_cast<std::size_t>(shape.back());
  if (static_cast<std::size_t>(constant.shape.back()) != row) return std::nullopt;
  const double margin = masked_distance(row, levels);
  const double reach = static_cast<double>(other.high) - static_cast<double>(other.low) + margin;

  const Tensor tensor = constant.as_tensor();
  const auto values = tensor.as<float>();
  float lowest = std::numeric_limits<float>::infinity(), highest = -lowest;
  bool is_any_masked = false;
  for (std::size_t begin = 0; begin < values.size(); begin += row) {
    const auto elements = values.subspan(begin, row);
    const float top = *std::ranges::max_element(elements);
    for (const float value : elements) {
      if (std::isnan(value)) return std::nullopt;
      if (top <= lowest_score || static_cast<double>(value) <= static_cast<double>(top) - reach) {
        is_any_masked = true;
      } else {
        lowest = std::min(lowest, value);
        highest = std::max(highest, value);
      }
    }
  }
  if (!is_any_masked || lowest > highest) return std::nullopt;
  mask.lowest_sum = static_cast<float>(static_cast<double>(lowest) + static_cast<double>(other.low) - margin);
  mask.values = {mask.lowest_sum - other.high, highest};
  return mask;
}

TensorId scores_of_masking_select(const TfliteGraph& graph, OperatorId id) {
  const TfliteOperator& op = graph[id];
  if (!op.is<tflite::SelectV2>() || !only_softmax_reads(graph, op.outputs[0])) return {};
  for (const std::size_t masked : {std::size_t{1}, std::size_t{2}}) {
    const TensorId constant = op.inputs[masked], scores = op.inputs[3 - masked];
    if (!graph.is_constant(constant) || graph[constant].dtype != DType::float32 || graph.is_constant(scores))
      continue;
    const Tensor tensor = graph[constant].as_tensor();
    const auto values = tensor.as<float>();
    if (std::ranges::all_of(values, [](float value) { return value <= lowest_score; })) return scores;
  }
  return {};
}

double masked_distance(std::size_t row, double levels) {
  return std::log(levels * static_cast<double>(row));
}

}  // namespace calib8
