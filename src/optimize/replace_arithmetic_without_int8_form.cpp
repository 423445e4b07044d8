#include <algorithm>
#include <cmath>

#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> DIV constant -> y      =>      x -> MUL 1/constant -> y
//   x -> NEG -> y               =>      x -> MUL -1 -> y
//
// LiteRT's int8 DIV saturates near 0 and its NEG negates the stored numbers, not what they stand for.

namespace calib8 {
namespace {

bool multiply_by_reciprocal(TfliteGraph& graph, OperatorId id) {
  const TensorId divisor = graph[id].inputs[1];
  if (!is_float_constant(graph, divisor)) return false;
  const auto values = float_values(graph, divisor);
  std::vector<float> reciprocals(values.size());
  std::transform(values.begin(), values.end(), reciprocals.begin(),
                 [](float value) { return static_cast<float>(1.0 / value); });
  if (!std::all_of(reciprocals.begin(), reciprocals.end(), [](float value) { return std::isfinite(value); }))
    return false;
  tflite::Mul product;
  product.activation = *fused_activation(graph[id]);
  const TensorId factor = graph.add_constant(graph[divisor].name + "/reciprocal",
                                             make_tensor(graph[divisor].shape, std::move(reciprocals)));
  graph[id].options = product;
  graph.set_input(id, 1, factor);
  return true;
}

}  // namespace

bool replace_arithmetic_without_int8_form(TfliteGraph& graph, OperatorId id) {
  if (graph[id].is<tflite::Div>()) return multiply_by_reciprocal(graph, id);
  const TensorId x = graph[id].inputs[0];
  if (!graph[id].is<tflite::Neg>() || graph[x].dtype != DType::float32) return false;
  const std::string name = graph[graph[id].outputs[0]].name + "/minus_one";
  const TensorId factor = graph.add_constant(name, make_tensor<float>({}, {-1.0f}));
  graph[id].options = tflite::Mul{};
  graph.set_inputs_of(id, {x, factor});
  return true;
}

}  // namespace calib8
