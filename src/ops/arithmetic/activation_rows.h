#pragma once

#include "ops/all_ops.h"

namespace calib8 {

/// The TFLite half of the family in activation.cpp (activation_tflite.cpp).
std::span<const OpFamily::TfliteRow> activation_tflite_rows();

}  // namespace calib8
