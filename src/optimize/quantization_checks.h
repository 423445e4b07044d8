#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ops/target.h"
#include "ops/tflite_op.h"
#include "tflite_graph/levels.h"

namespace calib8 {

/// The operator under a check, the target's word on it, and where findings go.
struct OperatorCheck {
  const TfliteGraph& graph;
  const TfliteOperator& op;
  const TfliteOp& row;
  const TargetTraits& target;
  std::vector<std::string>& findings;

  QuantizationRule rule() const { return row.rule(graph, op, target); }

  /// Adds "CONV_2D 'features.0': <message>".
  void report(const std::string& message) const;
  const TfliteTensor& input(std::size_t position) const { return graph[op.inputs.at(position)]; }
  const TfliteTensor& output(std::size_t position = 0) const { return graph[op.outputs.at(position)]; }
  bool has_input(std::size_t position) const {
    return position < op.inputs.size() && op.inputs[position].exists();
  }
};

/// Of a tensor by itself: an activation with scales has one, a usable one, and a zero point within its type;
/// float has no quantization.
void check_quantization(const TfliteTensor& tensor, std::vector<std::string>& findings);

/// What is computed with as integers has a scale; other operators may read whole numbers of any size, and
/// move them.
void check_scales_present(const OperatorCheck& check);
/// Inputs and outputs that stand for real numbers are all float or all of one integer type.
void check_one_type(const OperatorCheck& check);
/// Operators that move bytes have one quantization at input and output.
void check_shared_quantization(const OperatorCheck& check);
/// LOGISTIC, TANH, SOFTMAX: the scale and zero point that the kernel prescribes.
void check_fixed_output(const OperatorCheck& check);
/// Operators without a right integer kernel are float.
void check_kept_float(const OperatorCheck& check);
/// Ratios of scales that the target's arithmetic can represent.
void check_scale_ratios(const OperatorCheck& check);
/// A float DEPTHWISE_CONV_2D has int8 weights with a scale per channel only.
void check_hybrid_depthwise(const OperatorCheck& check);
/// Quantized weights: axis, zero points, range, the requantization multiplier.
void check_weights(const OperatorCheck& check);
/// Their bias: type, scales, and that no sum exceeds 32 bits.
void check_bias(const OperatorCheck& check);

}  // namespace calib8
