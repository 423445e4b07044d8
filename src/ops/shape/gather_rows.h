#pragma once

#include <span>

#include "ops/all_ops.h"

namespace calib8 {

/// The TFLite half of the operators that pick elements by index (gather_tflite.cpp).
std::span<const OpFamily::TfliteRow> gather_tflite_rows();

}  // namespace calib8
