#pragma once

#include <span>

#include "ops/all_ops.h"

namespace calib8 {

/// The TFLite half of the functions of real numbers (functions_tflite.cpp).
std::span<const OpFamily::TfliteRow> functions_tflite_rows();

}  // namespace calib8
