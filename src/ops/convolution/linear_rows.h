#pragma once

#include "ops/all_ops.h"

namespace calib8 {

/// The TFLite half of the family in linear.cpp (linear_tflite.cpp).
std::span<const OpFamily::TfliteRow> linear_tflite_rows();

}  // namespace calib8
