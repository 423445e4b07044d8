#include <array>

#include "ops/tflite_op.h"
#include "optimize/pass_entry.h"
#include "optimize/passes.h"
#include "optimize/quantization_checks.h"
#include "optimize/targets/targets.h"

// LiteRT on a CPU. Source of each line: docs/tflite-int8.md, sections C and D.

namespace calib8 {
namespace {

/// What XNNPACK has no integer form for. The passes are independent of each other. Latencies in ms for
/// [1, 56, 56, 64], one thread.
constexpr std::array passes = {
    // No int8 form: 0.62 on the builtin kernel, 0.016 as elementwise integers.
    CALIB8_REWRITE(expand_hard_swish),
    // No int8 form: 0.165 on the builtin kernel, 0.028 as convolution.
    CALIB8_REWRITE(replace_average_pool_with_convolution),
    // XNNPACK takes 2 to 5 parts.
    CALIB8_REWRITE(nest_concatenation),
    // What it has nested.
    CALIB8_REWRITE(fold_concatenation_of_constants),
    // XNNPACK takes 2 to 4 parts.
    CALIB8_REWRITE(replace_split_with_slices),
    // The int8 kernels of DIV and NEG give wrong results.
    CALIB8_REWRITE(replace_arithmetic_without_int8_form),
};

/// The strictest part of LiteRT on a CPU: what XNNPACK refuses, or TFLite's own kernels get wrong.
constexpr std::array<void (*)(const OperatorCheck&), 9> checks = {
    check_scales_present,   check_one_type,   check_shared_quantization,
    check_fixed_output,     check_kept_float, check_scale_ratios,
    check_hybrid_depthwise, check_weights,    check_bias,
};

bool runs_on_xnnpack(const TfliteGraph& graph, const TfliteOperator& op) {
  return tflite_op(op.options).runs_on_xnnpack(graph, op);
}

}  // namespace

const TargetTraits& litert_cpu() {
  static const TargetTraits traits{
      .name = "litert-cpu",
      // XNNPACK fails to load a convolution whose multiplier reaches 256, and leaves an ADD, SUB or MUL below
      // or above these ratios to TFLite's kernels. Those narrow each side of an ADD or SUB, and the result of
      // a MUL, to 16 bits before they clamp: 255 * 64 and 255 * 255 * 0.5 just fit.
      .int8_limits = {.multiplier_bound = 256,
                      .smallest_sum_ratio = 1.0 / 1024,
                      .sum_ratio_bound = 64,
                      .smallest_product_ratio = 1.0 / 65536,
                      .product_ratio_bound = 0.5},
      .int16_limits = fixed_point_int16_limits,
      .wants_symmetric_matrices = true,
      .runs_on = runs_on_xnnpack,
      .has_kernel = [](const TfliteOperator&) { return true; },
      .integer_passes = passes,
      .checks = checks,
      .has_runtime = true,
  };
  return traits;
}

}  // namespace calib8
