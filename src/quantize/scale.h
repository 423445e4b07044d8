#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/range.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// The smallest scale that is written. XNNPACK refuses subnormal scales, and a tensor that is nearly always
/// zero would otherwise get a requantization multiplier out of range.
inline constexpr float smallest_scale = 1e-7f;

/// int8 asymmetric, one scale: the range, widened to hold zero, on the 256 levels [-128, 127]; the zero point
/// is rounded to a level, so that real zero is exact.
Quantization activation_quantization(Range range);

/// The same lower end of the range on a coarser scale, where `scale` is larger; zero stays exact.
Quantization with_scale_at_least(const Quantization& quantization, float scale);

/// What is left of real values: q = clamp(round(x / scale) + zero point), ties to even, as XNNPACK converts.
std::vector<std::int8_t> quantize_values(std::span<const float> values, float scale, std::int64_t zero_point);

/// int8 symmetric scales of weights, one per index of `axis`: max|w| / 127 (TFLite's 8-bit specification
/// keeps weights in [-127, 127]).
///
/// Each scale is raised where the bias, int32 with scale input_scale * scale, would come near overflow: to
/// |bias| / (input_scale * 2^29). `bias` may be empty.
std::vector<float> weight_scales(const Tensor& weights, std::int32_t axis, std::span<const float> bias,
                                 float input_scale);

}  // namespace calib8
