#include "ops/quantization_rule.h"

namespace calib8 {

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
