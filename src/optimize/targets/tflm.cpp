#include <array>

#include "ops/tflite_op.h"
#include "optimize/pass_entry.h"
#include "optimize/passes.h"
#include "optimize/quantization_checks.h"
#include "optimize/targets/targets.h"

// TensorFlow Lite for Microcontrollers, reference kernels. Source of each line: docs/tflite-int8.md, sections
// C and E.

namespace calib8 {
namespace {

constexpr std::array passes = {
    // The int8 kernels of DIV and NEG give wrong results there too.
    CALIB8_REWRITE(replace_arithmetic_without_int8_form),
};

/// It lacks these; everything else that calib8 writes has a kernel.
bool has_kernel(const TfliteOperator& op) {
  return !(op.is<tflite::Gelu>() || op.is<tflite::Tile>() || op.is<tflite::TopKV2>() ||
           op.is<tflite::Pow>() || op.is<tflite::Sign>() || op.is<tflite::ReduceProd>() ||
           op.is<tflite::ScatterNd>() || op.is<tflite::Conv3D>());
}

void check_kernel(const OperatorCheck& check) {
  if (!has_kernel(check.op)) check.report("TensorFlow Lite for Microcontrollers has no such kernel");
}

/// Weights meet activations as integers, or not at all: it has no kernel that expands them.
void check_not_hybrid(const OperatorCheck& check) {
  const auto rule = check.rule().weights;
  if (!rule || !check.has_input(rule->input) || check.output().dtype != DType::float32) return;
  if (check.input(rule->input).dtype != DType::float32)
    check.report("float activations meet integer weights, for which there is no kernel");
}

constexpr std::array<void (*)(const OperatorCheck&), 10> checks = {
    check_kernel,       check_not_hybrid, check_scales_present, check_one_type, check_shared_quantization,
    check_fixed_output, check_kept_float, check_scale_ratios,   check_weights,  check_bias,
};

}  // namespace

const TargetTraits& tflm() {
  static const TargetTraits traits{
      .name = "tflm",
      // Fixed-point kernels: only sums that reach the next power of two of a 31-bit multiplier overflow.
      .int8_limits = {.multiplier_bound = 256,
                      .smallest_sum_ratio = 0x1p-20,
                      .sum_ratio_bound = 256,
                      .smallest_product_ratio = 0x1p-28,
                      .product_ratio_bound = 256},
      .int16_limits = fixed_point_int16_limits,
      .wants_symmetric_matrices = false,
      .runs_on = [](const TfliteGraph&, const TfliteOperator& op) { return has_kernel(op); },
      .has_kernel = has_kernel,
      .integer_passes = passes,
      .checks = checks,
      .has_runtime = false,
  };
  return traits;
}

}  // namespace calib8
