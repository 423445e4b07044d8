#include <vector>

#include "optimize/convolution.h"
#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> MUL constant -> CONV_2D(weights, bias) -> y      =>      x -> CONV_2D(weights * constant, bias) -> y
//
// with one number for all or one per input channel: a normalization in front of a model. Padding with zero
// commutes with it, so any padding will do. (ADD doesn't, and stays.) DEPTHWISE_CONV_2D and FULLY_CONNECTED
// likewise.

namespace calib8 {

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
  if (!scale || graph[x].shape != graph[data].shape) return false;
  const auto channels = channels_of_weights(graph[id], shape, scale->size());
  if (!channels) return false;

  const auto old = float_values(graph, tensor);
  std::vector<double> weights(old.begin(), old.end());
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] *= (*scale)[(*channels)[i]];
  set_weights(graph, id, *convolution, weights, bias_of(graph, id, *convolution));
  graph.set_input(id, convolution->data, x);
  remove_if_unused(graph, product);
  return true;
}

}  // namespace calib8
