#pragma once

#include <span>

#include "ops/target.h"

/// The targets, a file each beside this one.
namespace calib8 {

/// LiteRT on a CPU: XNNPACK where it takes an operator, TFLite's own kernels elsewhere.
const TargetTraits& litert_cpu();

/// TensorFlow Lite for Microcontrollers with its reference kernels. calib8 has no runtime for it.
const TargetTraits& tflm();

std::span<const TargetTraits* const> all_targets();

/// Fails with ErrorCode::usage where calib8 can't run the target's kernels, and so can't verify a model for
/// it.
void require_runtime(const TargetTraits& target);

}  // namespace calib8
