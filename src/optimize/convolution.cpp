#include "optimize/convolution.h"

#include <algorithm>
#include <cmath>

#include "optimize/rewrite.h"

namespace calib8 {

std::optional<Convolution> as_convolution(const TfliteGraph& graph, const TfliteOperator& op) {
  Convolution found;
  if (op.is<tflite::DepthwiseConv2D>()) {
    found.output_axis = 3;
  } else if (op.is<tflite::TransposeConv>()) {
    found = {2, 1, 3, 0};
  } else if (!op.is<tflite::Conv2D>() && !op.is<tflite::FullyConnected>()) {
    return std::nullopt;
  }
  if (!is_float_constant(graph, op.inputs[found.weights])) return std::nullopt;
  const bool has_bias = op.inputs.size() > found.bias && op.inputs[found.bias].exists();
  if (has_bias && !is_float_constant(graph, op.inputs[found.bias])) return std::nullopt;
  return found;
}

std::vector<double> bias_of(const TfliteGraph& graph, OperatorId id, const Convolution& convolution) {
  const std::vector<TensorId>& inputs = graph[id].inputs;
  if (inputs.size() > convolution.bias && inputs[convolution.bias].exists()) {
    const auto values = float_values(graph, inputs[convolution.bias]);
    return {values.begin(), values.end()};
  }
  const Shape& weights = graph[inputs[convolution.weights]].shape;
  return std::vector<double>(static_cast<std::size_t>(weights[convolution.output_axis]), 0.0);
}

void set_weights(TfliteGraph& graph, OperatorId id, const Convolution& convolution,
                 const std::vector<double>& weights, const std::vector<double>& bias) {
  std::vector<TensorId> inputs = graph[id].inputs;
  const TfliteTensor& old = graph[inputs[convolution.weights]];
  inputs[convolution.weights] = graph.add_constant(
      old.name, make_tensor(old.shape, std::vector<float>(weights.begin(), weights.end())));
  const bool has_bias = inputs.size() > convolution.bias && inputs[convolution.bias].exists();
  const std::string name = has_bias ? graph[inputs[convolution.bias]].name : old.name + "/bias";
  inputs.resize(std::max(inputs.size(), convolution.bias + 1));
  inputs[convolution.bias] = graph.add_constant(
      name,
      make_tensor({static_cast<std::int64_t>(bias.size())}, std::vector<float>(bias.begin(), bias.end())));
  graph.set_inputs_of(id, std::move(inputs));
}

std::optional<std::vector<double>> per_channel(const TfliteGraph& graph, TensorId constant,
                                               const Shape& shape) {
  if (!constant.exists() || !is_float_constant(graph, constant) || shape.empty()) return std::nullopt;
  const Shape& own = graph[constant].shape;
  const auto values = float_values(graph, constant);
  const auto channels = static_cast<std::size_t>(shape.back());
  const bool is_scalar = values.size() == 1;
  const bool is_last = !own.empty() && own.back() == shape.back() && values.size() == channels;
  if (own.size() > shape.size() || (!is_scalar && !is_last)) return std::nullopt;
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
    return std::nullopt;
  if (is_scalar) return std::vector<double>(channels, values[0]);
  return std::vector<double>(values.begin(), values.end());
}

std::optional<std::vector<std::size_t>> channels_of_weights(const TfliteOperator& op, const Shape& weights,
                                                            std::size_t channels) {
  std::vector<std::size_t> result(static_cast<std::size_t>(element_count(weights).value()));
  if (const auto* depthwise = op.get_if<tflite::DepthwiseConv2D>()) {
    const auto multiplier = static_cast<std::size_t>(depthwise->depth_multiplier);
    const auto outputs = static_cast<std::size_t>(weights[3]);
    if (depthwise->depth_multiplier < 1 || channels * multiplier != outputs) return std::nullopt;
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = i % outputs / multiplier;
    return result;
  }
  const auto outputs = static_cast<std::size_t>(weights.front());
  const auto per_group = static_cast<std::size_t>(weights.back());
  if (per_group == 0 || channels % per_group != 0) return std::nullopt;
  const std::size_t groups = channels / per_group;
  if (groups == 0 || outputs == 0 || outputs % groups != 0) return std::nullopt;
  if (op.is<tflite::FullyConnected>() && groups != 1) return std::nullopt;
  const std::size_t per_output = result.size() / outputs;
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = i / per_output / (outputs / groups) * per_group + i % per_group;
  return result;
}

}  // namespace calib8
