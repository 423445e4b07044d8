#include "ops/quantization_rule.h"

#include <algorithm>

#include "ops/tflite_op.h"

namespace calib8 {

bool has_real_numbers(const TfliteGraph& graph, const TfliteOperator& op) {
  const auto is_real = [&](TensorId id) {
    if (!id.exists()) return false;
    const TfliteTensor& tensor = graph[id];
    return is_floating(tensor.dtype) || tensor.quantization.has_value();
  };
  return std::any_of(op.inputs.begin(), op.inputs.end(), is_real) ||
         std::any_of(op.outputs.begin(), op.outputs.end(), is_real);
}

Quantization fixed_quantization(const QuantizationRule& rule, DType dtype) {
  if (dtype == DType::int16) return per_tensor(1.0f / 32768, 0);
  return per_tensor(rule.fixed_scale, rule.fixed_zero_point);
}

QuantizationRule weights_rule(const TfliteGraph& graph, const TfliteOperator& op,
                              const WeightsRule& weights) {
  if (!graph.is_constant(op.inputs.at(weights.input))) return keep_float("its weights are computed");
  const bool has_bias = op.inputs.size() > weights.bias && op.inputs[weights.bias].exists();
  if (has_bias && !graph.is_constant(op.inputs[weights.bias])) return keep_float("its bias is computed");
  return {.output = OutputRange::own_range, .weights = weights, .relation = ScaleRelation::weighted};
}

}  // namespace calib8
