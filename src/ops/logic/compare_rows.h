#pragma once

#include <span>

#include "ops/all_ops.h"

namespace calib8 {

/// The TFLite half of comparisons, logic and SELECT_V2 (compare_tflite.cpp).
std::span<const OpFamily::TfliteRow> compare_tflite_rows();

}  // namespace calib8
