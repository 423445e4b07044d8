#pragma once

#include "ops/all_ops.h"

namespace calib8 {

/// The TFLite half of the family in conv.cpp (conv_tflite.cpp).
std::span<const OpFamily::TfliteRow> conv_tflite_rows();

/// Conv over three dimensions (conv_3d.cpp); `input` are the spatial sizes.
Refusal lower_volume(Lowering& lowering, std::int64_t group, const Shape& kernel,
                     const std::vector<Dimension>& input);

}  // namespace calib8
