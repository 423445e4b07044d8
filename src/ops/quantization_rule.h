#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

struct TargetTraits;

/// How an operator's output gets its quantization. A closed vocabulary: what an operator needs beyond it is a
/// pass.
enum class OutputRange {
  own_range,       ///< From calibration, where the tensor's values are observed.
  same_as_input,   ///< The kernel moves bytes: output and inputs share one quantization, the input's.
  same_as_output,  ///< All inputs must have the output's (CONCATENATION, MAXIMUM): one range over all of
                   ///< them.
  fixed,           ///< The kernel prescribes scale and zero point.
  keep_float,      ///< No integer kernel, or a wrong one: the operator stays in float.
  no_range,        ///< Not real numbers (shapes, indices), or a bridge between types.
};

/// The weights of an operator that has them: int8, symmetric, one scale per index of `axis` (or one in all).
struct WeightsRule {
  std::size_t input = 1;
  std::int32_t axis = 0;
  std::size_t bias = 2;  ///< scale = input scale * weight scale; int32, or int64 beside int16 activations.
  std::size_t data = 0;  ///< The activation that the weights meet.
};

/// What the scales of an operator's inputs and output must fulfil together, within TargetTraits' limits.
enum class ScaleRelation {
  none,
  weighted,      ///< input scale * weight scale / output scale: what has a WeightsRule.
  sum,           ///< input scale / output scale, for both inputs.
  product,       ///< scale * scale / output scale of two inputs.
  matrices,      ///< Likewise, but with no lower end: every product is rounded once only, in the sum.
  rescaled,      ///< gain * input scale / output scale, of the first input.
  inverse_root,  ///< 1 / (sqrt(input scale) * output scale).
  table,         ///< The input scale alone: the kernel looks its results up.
};

/// What a quantized form of one operator must be like.
struct QuantizationRule {
  OutputRange output = OutputRange::own_range;
  float fixed_scale = 0;  ///< For OutputRange::fixed in int8; in int16 it is 1/32768 with zero point 0.
  std::int32_t fixed_zero_point = 0;
  std::optional<WeightsRule> weights = std::nullopt;
  ScaleRelation relation = ScaleRelation::none;
  float gain = 1;         ///< For ScaleRelation::rescaled: the largest factor by which the kernel multiplies.
  bool has_int16 = true;  ///< There is a right kernel for int16 activations.
  std::optional<std::size_t> symmetric_input = std::nullopt;  ///< An activation whose zero point is to be 0.
  std::string_view reason = {};                               ///< For OutputRange::keep_float: why.
};

/// The quantization that the rule's kernel prescribes for activations of that type.
Quantization fixed_quantization(const QuantizationRule& rule, DType dtype);

/// A row's rule: one for all operators of its type, or a function of the operator and its target.
class RowRule {
 public:
  using Function = QuantizationRule (*)(const TfliteGraph&, const TfliteOperator&, const TargetTraits&);

  constexpr RowRule(OutputRange output, float fixed_scale = 0, std::int32_t fixed_zero_point = 0)
      : constant_{.output = output, .fixed_scale = fixed_scale, .fixed_zero_point = fixed_zero_point} {}
  constexpr RowRule(const QuantizationRule& constant) : constant_(constant) {}
  constexpr RowRule(Function function) : function_(function) {}

  QuantizationRule operator()(const TfliteGraph& graph, const TfliteOperator& op,
                              const TargetTraits& target) const {
    return function_ ? function_(graph, op, target) : constant_;
  }

 private:
  QuantizationRule constant_;
  Function function_ = nullptr;
};

constexpr QuantizationRule keep_float(std::string_view reason) {
  return {.output = OutputRange::keep_float, .reason = reason};
}

/// The kernel takes int8 but not int16, or takes it with results worse than float's.
constexpr QuantizationRule int8_only(OutputRange output) {
  return {.output = output, .has_int16 = false};
}

constexpr QuantizationRule own_range_with(ScaleRelation relation) {
  return {.output = OutputRange::own_range, .relation = relation};
}

/// The rule of an operator with weights: in integers where they are known when the model is written.
QuantizationRule weights_rule(const TfliteGraph& graph, const TfliteOperator& op, const WeightsRule& weights);

/// The same as a row's function.
template <WeightsRule weights>
QuantizationRule has_weights(const TfliteGraph& graph, const TfliteOperator& op, const TargetTraits&) {
  return weights_rule(graph, op, weights);
}

}  // namespace calib8
