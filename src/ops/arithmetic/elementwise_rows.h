#pragma once

#include "ops/all_ops.h"

namespace calib8 {

/// The TFLite half of the elementwise family (elementwise_tflite.cpp).
std::span<const OpFamily::TfliteRow> elementwise_tflite_rows();

}  // namespace calib8
