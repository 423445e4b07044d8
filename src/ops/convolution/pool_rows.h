#pragma once

#include "ops/all_ops.h"

namespace calib8 {

/// The TFLite half of the family in pool.cpp (pool_tflite.cpp).
std::span<const OpFamily::TfliteRow> pool_tflite_rows();

}  // namespace calib8
