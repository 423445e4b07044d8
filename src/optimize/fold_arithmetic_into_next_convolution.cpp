#include "optimize/convolution.h"
#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> MUL constant -> CONV_2D(weights, bias) -> y      =>      x -> CONV_2D(weights * constant, bias) -> y
//
// with one number for all or one per input channel: a normalization in front of a model. Padding with zero
// commutes with it, so any padding will do. (ADD doesn't, and stays.) DEPTHWISE_CONV_2D and FULLY_CONNECTED
// likewise.

namespace calib8 {
namespace {

/// The channel of the input that weight number `index` is multiplied with.
std::size_t input_channel(const TfliteOperator& op, const Shape& weights, std::size_t channels,
                          std::size_t index) {
  if (const auto* depthwise = op.get_if<tflite::DepthwiseConv2D>()) {
    return index % static_cast<std::size_t>(weights[3]) /
           static_cast<std::size_t>(depthwise->depth_multiplier);
  }
  const auto per_group = static_cast<std::size_t>(weights.back());
  if (op.is<tflite::FullyConnected>() || per_group == channels) return index % per_group;
  const std::size_t groups = channels / per_group;
  std::size_t per_output = 1;
  for (std::size_t i = 1; i < weights.size(); ++i) per_output *= static_cast<std::size_t>(weights[i]);
  const std::size_t output = index / per_output;
  const std::size_t group = output / (static_cast<std::size_t>(weights[0]) / groups);
  return group * per_group + index % per_group;
}

}  // namespace

bool fold_arithmetic_into_next_convolution(TfliteGraph& graph, OperatorId id) {
  const auto convolution = as_convolution(graph, graph[id]);
  if (!convolution || graph[id].is<tflite::TransposeConv>()) return false;
  const TensorId data = graph[id].inputs[convolution->data];
  const OperatorId product = graph.producer(data);
  if (!product.exists() || !graph[product].is<tflite::Mul>() || !graph.has_single_use(data) ||
      *fused_activation(graph[product]) != tflite::Activation::none)
    return false;
  const TensorId x = graph[product].inputs[0];
  const TensorId tensor = graph[id].inputs[convolution->weights];
  const Shape& shape = graph[tensor].shape;
  const auto scale = per_channel(graph, graph[product].inputs[1], graph[data].shape);
  // A FULLY_CONNECTED that flattens its input has other columns than channels.
  const bool has_channels = !graph[id].is<tflite::FullyConnected>() || graph[data].shape.back() == shape[1];
  if (!scale || graph[x].shape != graph[data].shape || !has_channels) return false;

  const auto old = float_values(graph, tensor);
  std::vector<double> weights(old.begin(), old.end());
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] *= (*scale)[input_channel(graph[id], shape, scale->size(), i)];
  set_weights(graph, id, *convolution, weights, bias_of(graph, id, *convolution));
  graph.set_input(id, convolution->data, x);
  remove_if_unused(graph, product);
  return true;
}

}  // namespace calib8
