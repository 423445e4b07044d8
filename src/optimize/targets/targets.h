#pragma once

#include <span>

#include "ops/target.h"

/// The targets, a file each beside this one.
namespace calib8 {

/// TFLite's own arithmetic on int16 activations, on every target: a multiplier of 31 bits on an integer of 32
/// that has been shifted first. A smallest ratio keeps the shifts of a sum's operands above -31. Tables are
/// entered by a 16-bit multiple of the input scale, of which 1 / (3 * 4096) is the unit.
inline constexpr ScaleLimits fixed_point_int16_limits = {.multiplier_bound = 128,
                                                         .rescaling_bound = 0x1p14,
                                                         .smallest_sum_ratio = 0x1p-20,
                                                         .sum_ratio_bound = 256,
                                                         .smallest_product_ratio = 0x1p-28,
                                                         .product_ratio_bound = 1,
                                                         .table_input_bound = 32767.0 / (3 * 4096)};

/// LiteRT on a CPU: XNNPACK where it takes an operator, TFLite's own kernels elsewhere.
const TargetTraits& litert_cpu();

/// TensorFlow Lite for Microcontrollers with its reference kernels. calib8 has no runtime for it.
const TargetTraits& tflm();

std::span<const TargetTraits* const> all_targets();

/// Fails with ErrorCode::usage where calib8 can't run the target's kernels, and so can't verify a model for
/// it.
void require_runtime(const TargetTraits& target);

}  // namespace calib8
