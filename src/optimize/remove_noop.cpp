#include <algorithm>

#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> RESHAPE to x's own shape -> y      =>      x = y
//
// and so with PAD by nothing, SLICE of all, CONCATENATION of one, adding 0, multiplying by 1.

namespace calib8 {
namespace {

bool has_uniform_operand(const TfliteGraph& graph, const TfliteOperator& op, float value) {
  const tflite::Activation* activation = fused_activation(op);
  return *activation == tflite::Activation::none && uniform_value(graph, op.inputs[1]) == value;
}

bool is_all_zero(const TfliteGraph& graph, TensorId id, std::size_t rank) {
  const auto values = integers_of(graph, id, 2 * rank);
  return values && std::all_of(values->begin(), values->end(), [](std::int64_t value) { return value == 0; });
}

/// For operators that keep the shape of their first input if they do nothing.
bool does_nothing(const TfliteGraph& graph, const TfliteOperator& op) {
  if (op.is<tflite::Reshape>() || op.is<tflite::Slice>()) return true;
  if (op.is<tflite::Concatenation>()) return op.inputs.size() == 1;
  if (op.is<tflite::Pad>() || op.is<tflite::PadV2>())
    return is_all_zero(graph, op.inputs[1], graph[op.inputs[0]].shape.size());
  if (op.is<tflite::Add>() || op.is<tflite::Sub>()) return has_uniform_operand(graph, op, 0);
  if (op.is<tflite::Mul>() || op.is<tflite::Div>()) return has_uniform_operand(graph, op, 1);
  return false;
}

}  // namespace

bool remove_noop(TfliteGraph& graph, OperatorId id) {
  const TfliteOperator& op = graph[id];
  const TensorId input = op.inputs[0], output = op.outputs[0];
  if (!input.exists() || graph[input].shape != graph[output].shape || !does_nothing(graph, op)) return false;
  if (!can_replace(graph, id, input)) return false;
  replace_operator(graph, id, input);
  return true;
}

}  // namespace calib8
