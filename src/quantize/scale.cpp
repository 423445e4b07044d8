#include "quantize/scale.h"

#include <algorithm>
#include <cmath>

#include "base/round.h"

namespace calib8 {

Quantization activation_quantization(Range range) {
  range = with_zero(range);
  const double exact = (static_cast<double>(range.high) - static_cast<double>(range.low)) / 255.0;
  const float scale = std::max(static_cast<float>(exact), smallest_scale);
  const double zero_point = std::nearbyint(-128.0 - static_cast<double>(range.low) / scale);
  return per_tensor(scale, static_cast<std::int64_t>(std::clamp(zero_point, -128.0, 127.0)));
}

Quantization with_scale_at_least(const Quantization& quantization, float scale) {
  const float old_scale = quantization.scales.front();
  if (scale <= old_scale) return quantization;
  const double low =
      static_cast<double>(old_scale) * static_cast<double>(-128 - quantization.zero_points.front());
  const double zero_point = std::clamp(std::nearbyint(-128.0 - low / scale), -128.0, 127.0);
  return per_tensor(scale, static_cast<std::int64_t>(zero_point));
}

std::vector<std::int8_t> quantize_values(std::span<const float> values, float scale,
                                         std::int64_t zero_point) {
  std::vector<std::int8_t> levels(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double level =
        round_to_even(static_cast<double>(values[i]) / scale) + static_cast<double>(zero_point);
    levels[i] = static_cast<std::int8_t>(std::clamp(level, -128.0, 127.0));
  }
  return levels;
}

std::vector<float> weight_scales(const Tensor& weights, std::int32_t axis, std::span<const float> bias,
                                 float input_scale) {
  const auto values = weights.as<float>();
  const std::size_t channels = static_cast<std::size_t>(weights.shape[static_cast<std::size_t>(axis)]);
  std::size_t inner = 1;
  for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < weights.shape.size(); ++i) {
    inner *= static_cast<std::size_t>(weights.shape[i]);
  }
  std::vector<float> largest(channels, 0.0f);
  for (std::size_t start = 0; start < values.size(); start += inner) {
    float& magnitude = largest[start / inner % channels];
    for (const float value : values.subspan(start, inner)) magnitude = std::max(magnitude, std::abs(value));
  }
  constexpr double headroom = 536870912.0;  // 2^29
  std::vector<float> scales(channels);
  for (std::size_t channel = 0; channel < channels; ++channel) {
    double scale = std::max<double>(largest[channel] / 127.0, smallest_scale);
    if (!bias.empty()) {
      scale = std::max(scale, std::abs(static_cast<double>(bias[channel])) /
                                  (static_cast<double>(input_scale) * headroom));
    }
    scales[channel] = static_cast<float>(scale);
  }
  return scales;
}

}  // namespace calib8
