#include "recover/operator_cost.h"

#include "ops/tflite_op.h"

namespace calib8 {
namespace {

double elements(const TfliteGraph& graph, TensorId tensor) {
  return static_cast<double>(element_count(graph[tensor].shape).value_or(0));
}

}  // namespace

double multiplications(const TfliteGraph& graph, OperatorId id, const TargetTraits& target) {
  const TfliteOperator& op = graph[id];
  if (op.is<tflite::BatchMatMul>()) {
    const Shape& left = graph[op.inputs[0]].shape;
    const std::int64_t depth =
        op.get_if<tflite::BatchMatMul>()->adjoint_x ? left[left.size() - 2] : left.back();
    return elements(graph, op.outputs[0]) * static_cast<double>(depth);
  }
  const auto rule = quantization_rule(graph, op, target).weights;
  if (!rule) return 0;
  const Shape& weights = graph[op.inputs[rule->input]].shape;
  const double count = elements(graph, op.inputs[rule->input]);
  // Each input element of a transposed convolution meets all weights of its channel; each output element of
  // others those of its own.
  if (op.is<tflite::TransposeConv>())
    return elements(graph, op.inputs[rule->data]) * count / static_cast<double>(weights.back());
  const auto axis = static_cast<std::size_t>(rule->axis);
  return elements(graph, op.outputs[0]) * count / static_cast<double>(weights[axis]);
}

double elements_written(const TfliteGraph& graph, OperatorId id) {
  double sum = 0;
  for (const TensorId output : graph[id].outputs) sum += elements(graph, output);
  return sum;
}

}  // namespace calib8
