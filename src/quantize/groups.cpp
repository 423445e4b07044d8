#include "quantize/groups.h"

#include <numeric>

namespace calib8 {

bool is_activation(const TfliteGraph& graph, TensorId tensor) {
  return tensor.exists() && graph[tensor].dtype == DType::float32 && !graph[tensor].is_constant();
}

SharedQuantization::SharedQuantization(const TfliteGraph& graph)
    : parent_(graph.value_count()), fixed_(graph.value_count()) {
  std::iota(parent_.begin(), parent_.end(), 0u);
  for (const OperatorId id : graph.nodes()) {
    const TfliteOperator& op = graph[id];
    const QuantizationRule& rule = tflite_op(op.options).rule;
    if (rule.output == OutputRange::fixed) {
      for (const TensorId output : op.outputs)
        fixed_[output.index] = per_tensor(rule.fixed_scale, rule.fixed_zero_point);
    }
  }
  for (const OperatorId id : graph.nodes()) {
    const TfliteOperator& op = graph[id];
    const OutputRange rule = tflite_op(op.options).rule.output;
    if (rule != OutputRange::same_as_input && rule != OutputRange::same_as_output) continue;
    for (const TensorId output : op.outputs) {
      for (std::size_t position = 0; position < op.inputs.size(); ++position) {
        const TensorId input = op.inputs[position];
        if (!is_activation(graph, input) || !is_activation(graph, output)) continue;
        // A prescribed quantization must not squeeze the other inputs of a CONCATENATION into its range.
        const bool squeezes = rule == OutputRange::same_as_output && op.inputs.size() > 1 && fixed(input);
        if (squeezes || !join(input, output)) outsiders_.push_back({id, position});
      }
    }
  }
}

TensorId SharedQuantization::group_of(TensorId tensor) const {
  std::uint32_t index = tensor.index;
  while (parent_[index] != index) index = parent_[index];
  return {index};
}

bool SharedQuantization::join(TensorId a, TensorId b) {
  const std::uint32_t first = group_of(a).index;
  const std::uint32_t second = group_of(b).index;
  if (first == second) return true;
  if (fixed_[first] && fixed_[second] && fixed_[first] != fixed_[second]) return false;
  parent_[second] = first;
  if (!fixed_[first]) fixed_[first] = fixed_[second];
  return true;
}

}  // namespace calib8
