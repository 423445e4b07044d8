#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> AVERAGE_POOL_2D(h x w, VALID) -> y      =>      x -> DEPTHWISE_CONV_2D(weights all 1/(h w), VALID)
//   -> y
//
// Equal weights are exact in int8 (127 times their scale). Not for SAME, which leaves the padding out of the
// mean.

namespace calib8 {
namespace {

/// A pool in a small file must not become a constant of any size.
constexpr std::int64_t most_weights = std::int64_t{1} << 20;

}  // namespace

bool replace_average_pool_with_convolution(TfliteGraph& graph, OperatorId id) {
  const auto* pool = graph[id].get_if<tflite::AveragePool2D>();
  if (!pool || pool->padding != tflite::Padding::valid) return false;
  const TensorId x = graph[id].inputs[0];
  const bool fits = pool->filter_height >= 1 && pool->filter_width >= 1 &&
                    pool->filter_height <= graph[x].shape[1] && pool->filter_width <= graph[x].shape[2];
  if (!fits) return false;  // A file may say anything.
  const std::string name = graph[graph[id].outputs[0]].name;
  const std::int64_t channels = graph[x].shape[3];
  const Shape shape = {1, pool->filter_height, pool->filter_width, channels};
  const auto elements = element_count(shape);
  if (!elements || *elements > most_weights) return false;  // the pool stays in float
  const auto count = static_cast<std::size_t>(*elements);
  const float weight =
      1.0f / (static_cast<float>(pool->filter_height) * static_cast<float>(pool->filter_width));

  tflite::DepthwiseConv2D convolution;
  convolution.stride_height = pool->stride_height;
  convolution.stride_width = pool->stride_width;
  convolution.activation = pool->activation;
  const TensorId weights =
      graph.add_constant(name + "/weights", make_tensor(shape, std::vector<float>(count, weight)));
  const TensorId bias = graph.add_constant(
      name + "/bias", make_tensor({channels}, std::vector<float>(static_cast<std::size_t>(channels), 0.0f)));
  graph[id].options = convolution;
  graph.set_inputs_of(id, {x, weights, bias});
  return true;
}

}  // namespace calib8
