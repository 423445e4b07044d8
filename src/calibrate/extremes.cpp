#include "calibrate/extremes.h"

#include <algorithm>
#include <cmath>

#include "calibrate/not_finite.h"

namespace calib8 {
namespace {

/// Of tensors that are given out whole: what value counts take whole as well.
constexpr std::int64_t most_whole_values = 8192;

bool ends_in_relu(const TfliteGraph& graph, TensorId tensor) {
  const OperatorId producer = graph.producer(tensor);
  if (!producer.exists()) return false;
  const tflite::Activation* fused = fused_activation(graph[producer]);
  return fused && (*fused == tflite::Activation::relu || *fused == tflite::Activation::relu6);
}

/// The x of which a tensor is x * sigmoid(x); absent where it isn't.
TensorId argument_of_swish(const TfliteGraph& graph, TensorId tensor) {
  const OperatorId producer = graph.producer(tensor);
  if (!producer.exists()) return {};
  const auto* product = graph[producer].get_if<tflite::Mul>();
  if (!product || product->activation != tflite::Activation::none) return {};
  const std::vector<TensorId>& inputs = graph[producer].inputs;
  for (std::size_t i = 0; i < 2; ++i) {
    const OperatorId gate = graph.producer(inputs[1 - i]);
    if (gate.exists() && graph[gate].get_if<tflite::Logistic>() && graph[gate].inputs[0] == inputs[i])
      return inputs[i];
  }
  return {};
}

/// Of x * sigmoid(x) where x takes both ends of the range and others between. It falls down to the turning
/// point and rises from there on; whether x comes close to that point isn't known, so it is taken for seen.
Range swish(Range x) {
  constexpr double turning_point = -1.2784645427610738, least = -0.27846454276107380;
  const auto value = [](float at) {
    return static_cast<double>(at) / (1 + std::exp(-static_cast<double>(at)));
  };
  const double at_low = value(x.low), at_high = value(x.high);
  const bool turns = x.low <= turning_point && turning_point <= x.high;
  return {static_cast<float>(turns ? least : std::min(at_low, at_high)),
          static_cast<float>(std::max(at_low, at_high))};
}

}  // namespace

Extremes::Extremes(const TfliteGraph& graph, const std::vector<TensorId>& observed, ObservationGraph& wanted)
    : graph_(&graph), seen_(observed.size(), {INFINITY, -INFINITY}) {
  for (const TensorId id : observed) {
    Tensor tensor{id, {}, {}, {}, {}};
    const TensorId x = argument_of_swish(graph, id);
    const auto argument = x.exists() ? std::find(observed.begin(), observed.end(), x) : observed.end();
    if (argument != observed.end()) {
      tensor.swish_of = static_cast<std::size_t>(argument - observed.begin());
    } else if (element_count(graph[id].shape).value_or(0) <= most_whole_values) {
      tensor.whole = wanted.whole(id);
    } else {
      if (!ends_in_relu(graph, id)) tensor.minimum = wanted.minimum(id);
      tensor.maximum = wanted.maximum(id);
    }
    tensors_.push_back(tensor);
  }
}

Range Extremes::range_of(const Tensor& tensor, const ModelInstance& model) const {
  if (!tensor.whole)
    return {tensor.minimum ? model.float_output(*tensor.minimum)[0] : 0.0f,
            model.float_output(*tensor.maximum)[0]};
  Range range{INFINITY, -INFINITY};
  for (const float value : model.float_output(*tensor.whole)) {
    if (!std::isfinite(value)) return {value, value};
    range = hull(range, {value, value});
  }
  if (ends_in_relu(*graph_, tensor.id)) range.low = 0;
  return range;
}

void Extremes::consume(std::size_t sample, const ModelInstance& model) {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const Tensor& tensor = tensors_[i];
    if (tensor.swish_of) continue;
    const Range range = range_of(tensor, model);
    if (!std::isfinite(range.low) || !std::isfinite(range.high)) fail_not_finite(*graph_, tensor.id, sample);
    seen_[i] = hull(seen_[i], range);
  }
}

void Extremes::merge(const Extremes& other) {
  for (std::size_t i = 0; i < seen_.size(); ++i) seen_[i] = hull(seen_[i], other.seen_[i]);
}

std::vector<Range> Extremes::ranges() const {
  std::vector<Range> ranges = seen_;
  // Observed in the order of execution: x before x * sigmoid(x).
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (tensors_[i].swish_of) ranges[i] = swish(ranges[*tensors_[i].swish_of]);
  }
  return ranges;
}

}  // namespace calib8
