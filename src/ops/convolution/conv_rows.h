#pragma once

#include "ops/all_ops.h"

namespace calib8 {

/// The TFLite half of the family in conv.cpp (conv_tflite.cpp).
std::span<const OpFamily::TfliteRow> conv_tflite_rows();

}  // namespace calib8
