#pragma once

#include <limits>
#include <span>
#include <string_view>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

template <class Graph>
struct Pass;
struct OperatorCheck;

/// Bounds on scales within which a target's kernels compute right, and fast. Ratios are taken in double.
struct ScaleLimits {
  /// input scale * weight scale / output scale stays below it.
  double multiplier_bound = 256;
  /// RELU, MEAN, QUANTIZE and others of one input: gain * input scale / output scale stays below it.
  double rescaling_bound = 256;
  /// ADD, SUB: input scale / output scale in [smallest, bound).
  double smallest_sum_ratio = 0, sum_ratio_bound = 256;
  /// MUL: product of the input scales / output scale in [smallest, bound).
  double smallest_product_ratio = 0, product_ratio_bound = 256;
  /// RSQRT: 1 / (sqrt(input scale) * output scale) in [smallest, bound).
  double smallest_inverse_root = 0x1p-11, inverse_root_bound = 0x1p30;
  /// LOGISTIC, TANH: the input scale stays below it.
  double table_input_bound = std::numeric_limits<double>::infinity();
};

/// Where a model is to run, as data: what the rows of the operators, the planner, the passes and the
/// validator ask about it. A new target is a value of this type (optimize/targets/).
struct TargetTraits {
  std::string_view name;  ///< "litert-cpu"
  /// Of int8 and of int16 activations.
  ScaleLimits int8_limits, int16_limits;
  /// The second operand of a BATCH_MATMUL must have zero point 0 to run fast.
  bool wants_symmetric_matrices = false;
  /// True where the target runs the operator as it stands, with the kernel meant for it: on LiteRT's CPU,
  /// XNNPACK's.
  bool (*runs_on)(const TfliteGraph&, const TfliteOperator&);
  /// True where the target can run the operator at all.
  bool (*has_kernel)(const TfliteOperator&);
  /// Brings an optimized float model to operators that the target runs in integers; any order.
  std::span<const Pass<TfliteGraph>> integer_passes;
  /// What validate() holds each operator against.
  std::span<void (*const)(const OperatorCheck&)> checks;
  /// Calib8 can run the target's kernels: a model for a target without them can't be verified.
  bool has_runtime = false;

  const ScaleLimits& limits(DType dtype) const { return dtype == DType::int16 ? int16_limits : int8_limits; }
};

}  // namespace calib8
