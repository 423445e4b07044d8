#include <algorithm>

#include "optimize/convolution.h"
#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> CONV_2D(weights, bias) -> MUL constant -> y      =>      x -> CONV_2D(weights * constant, bias *
//   constant) -> y
//
// ADD, SUB and DIV likewise, with one number for all or one per channel, on either side. What is left of a
// BatchNorm, a LayerScale, a denormalization.

namespace calib8 {
namespace {

/// y = scale * x + shift, per channel.
struct Affine {
  std::vector<double> scale, shift;
};

std::optional<Affine> as_affine(const TfliteGraph& graph, const TfliteOperator& op, TensorId x) {
  const bool is_left = op.inputs[0] == x;
  const auto constant = per_channel(graph, op.inputs[is_left ? 1 : 0], graph[x].shape);
  if (!constant) return std::nullopt;
  const std::size_t channels = constant->size();
  Affine affine{std::vector<double>(channels, 1.0), std::vector<double>(channels, 0.0)};
  for (std::size_t i = 0; i < channels; ++i) {
    const double value = (*constant)[i];
    if (op.is<tflite::Mul>()) {
      affine.scale[i] = value;
    } else if (op.is<tflite::Div>() && is_left && value != 0) {
      affine.scale[i] = 1 / value;
    } else if (op.is<tflite::Add>()) {
      affine.shift[i] = value;
    } else if (op.is<tflite::Sub>()) {
      affine.scale[i] = is_left ? 1 : -1;
      affine.shift[i] = is_left ? -value : value;
    } else {
      return std::nullopt;
    }
  }
  return affine;
}

void fold(TfliteGraph& graph, OperatorId id, const Convolution& convolution, const Affine& affine) {
  const TensorId tensor = graph[id].inputs[convolution.weights];
  const Shape& shape = graph[tensor].shape;
  std::size_t inner = 1;  // Elements between two output channels.
  for (std::size_t i = convolution.output_axis + 1; i < shape.size(); ++i)
    inner *= static_cast<std::size_t>(shape[i]);
  const auto old = float_values(graph, tensor);
  std::vector<double> weights(old.begin(), old.end());
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] *= affine.scale[i / inner % affine.scale.size()];
  std::vector<double> bias = bias_of(graph, id, convolution);
  for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = bias[i] * affine.scale[i] + affine.shift[i];
  set_weights(graph, id, convolution, weights, bias);
}

bool has_channels(const TfliteGraph& graph, OperatorId id, const Convolution& convolution,
                  std::size_t channels) {
  const Shape& weights = graph[graph[id].inputs[convolution.weights]].shape;
  return static_cast<std::size_t>(weights[convolution.output_axis]) == channels &&
         bias_of(graph, id, convolution).size() == channels;
}

}  // namespace

bool fold_arithmetic_into_convolution(TfliteGraph& graph, OperatorId id) {
  const tflite::Activation* behind = fused_activation(graph[id]);
  if (!behind || graph[id].inputs.size() != 2) return false;
  for (const TensorId between : graph[id].inputs) {
    const OperatorId producer = between.exists() ? graph.producer(between) : OperatorId{};
    if (!producer.exists() || !graph.has_single_use(between)) continue;
    const auto convolution = as_convolution(graph, graph[producer]);
    const TensorId result = graph[id].outputs[0];
    if (!convolution || *fused_activation(graph[producer]) != tflite::Activation::none ||
        graph[between].shape != graph[result].shape)
      continue;
    const auto affine = as_affine(graph, graph[id], between);
    if (!affine || !has_channels(graph, producer, *convolution, affine->scale.size())) continue;
    const tflite::Activation activation = *behind;
    fold(graph, producer, *convolution, *affine);
    *fused_activation(graph[producer]) = activation;
    graph.remove(id);
    graph.set_output(producer, 0, result);
    return true;
  }
  return false;
}

}  // namespace calib8
