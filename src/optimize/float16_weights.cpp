#include <algorithm>
#include <cmath>

#include "ops/verify.h"
#include "optimize/convolution.h"
#include "optimize/optimize.h"
#include "optimize/rewrite.h"

//   CONV_2D(x, float32 weights, bias)      =>      CONV_2D(x, DEQUANTIZE(float16 weights), bias)

namespace calib8 {
namespace {

constexpr float largest_half = 65504.0f;

bool fits_half(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(),
                     [](float value) { return !std::isfinite(value) || std::abs(value) <= largest_half; });
}

TensorId as_half(TfliteGraph& graph, TensorId weights) {
  const auto values = float_values(graph, weights);
  std::vector<std::uint16_t> halves(values.size());
  std::transform(values.begin(), values.end(), halves.begin(), float_to_half);
  return graph.add_constant(graph[weights].name + "/float16",
                            {DType::float16, graph[weights].shape, Data::from_vector(std::move(halves))});
}

}  // namespace

void store_weights_as_float16(TfliteGraph& graph) {
  for (const OperatorId id : graph.nodes()) {
    const auto convolution = as_convolution(graph, graph[id]);
    if (!convolution) continue;
    const TensorId weights = graph[id].inputs[convolution->weights];
    if (!fits_half(float_values(graph, weights))) continue;
    const std::string name = graph[weights].name;
    const Shape shape = graph[weights].shape;
    const TensorId widened =
        emit_before(graph, id, tflite::Dequantize{}, {as_half(graph, weights)}, name, shape);
    graph.set_input(id, convolution->weights, widened);
  }
  verify(graph, "store_weights_as_float16");
}

}  // namespace calib8
