#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/range.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// The smallest scale that is written. XNNPACK refuses subnormal scales, and a tensor that is nearly always
/// zero would otherwise get a requantization multiplier out of range.
inline constexpr float smallest_scale = 1e-7f;

/// One scale and zero point for an activation of that type: the range, widened to hold zero, on the type's
/// levels; the zero point is rounded to a level, so that real zero is exact. With `symmetric` (always for
/// int16) the zero point is 0 and the scale that of the larger end.
Quantization activation_quantization(Range range, DType dtype = DType::int8, bool symmetric = false);

/// The same lower end of the range on a coarser scale, where `scale` is larger; zero stays exact. `scale` is
/// finite.
Quantization with_scale_at_least(const Quantization& quantization, double scale, DType dtype = DType::int8);

/// The smallest float32 not below `value`, which is at most the largest float32.
float rounded_up(double value);

/// What is left of real values in a type of levels: q = clamp(round(x / scale) + zero point), ties to even,
/// as XNNPACK converts. NaN becomes the lowest level.
Data quantize_values(std::span<const float> values, const Quantization& quantization, DType dtype);

/// What decides the scales of an operator's weights: int8, symmetric, one scale per index of an axis.
class WeightScales {
 public:
  /// `bias` holds an element for each channel, or is empty.
  WeightScales(const Tensor& weights, std::int32_t axis, std::span<const float> bias);

  /// max|w| / 127 per channel (TFLite's 8-bit specification keeps weights in [-127, 127]), raised where
  /// otherwise the bias, on the scale input_scale * weight scale, or a sum could exceed the kernel's
  /// integers: 32 bits beside int8 activations. Beside int16 ones sums have 64 bits, but a bias of 2^32
  /// levels and more would leave a multiplier that kernels take for 0. Nothing where no scale of float32
  /// helps, or the weights aren't finite.
  std::optional<std::vector<float>> at(float input_scale, DType activations) const;

 private:
  std::vector<double> largest_, sums_, bias_;  ///< Of |w|, |w| and |b|, per channel.
  double per_channel_ = 0;                     ///< Weights of one channel.
  bool is_finite_ = true;
};

}  // namespace calib8
