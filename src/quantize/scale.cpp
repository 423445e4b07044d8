#include "quantize/scale.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/round.h"
#include "calib8/error.h"
#include "tflite_graph/levels.h"

namespace calib8 {
namespace {

constexpr double largest_float = std::numeric_limits<float>::max();

/// Of a level that may be beyond all integers, or no number.
template <class T>
T clamped(double level, double lowest, double highest) {
  if (!(level > lowest)) return static_cast<T>(lowest);
  return static_cast<T>(std::min(level, highest));
}

template <class T>
Data levels_of_values(std::span<const float> values, const Quantization& quantization, const Levels& levels) {
  const double scale = quantization.scales.front();
  const auto zero_point = static_cast<double>(quantization.zero_points.front());
  const auto lowest = static_cast<double>(levels.lowest), highest = static_cast<double>(levels.highest);
  std::vector<T> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double level = round_to_even(static_cast<double>(values[i]) / scale) + zero_point;
    result[i] = clamped<T>(level, lowest, highest);
  }
  return Data::from_vector(std::move(result));
}

/// The zero point that puts the lowest level at `low`.
std::int64_t zero_point_for(double low, double scale, const Levels& levels) {
  const auto lowest = static_cast<double>(levels.lowest);
  return clamped<std::int64_t>(std::nearbyint(lowest - low / scale), lowest,
                               static_cast<double>(levels.highest));
}

}  // namespace

float rounded_up(double value) {
  const auto nearest = static_cast<float>(std::min(value, largest_float));
  if (static_cast<double>(nearest) >= value) return nearest;
  return std::nextafter(nearest, std::numeric_limits<float>::infinity());
}

Quantization activation_quantization(Range range, DType dtype, bool symmetric) {
  range = with_zero(range);
  const Levels levels = levels_of(dtype);
  const double low = range.low, high = range.high;
  if (symmetric || levels.is_symmetric) {
    const double exact = std::max(-low, high) / static_cast<double>(levels.highest);
    return per_tensor(std::max(static_cast<float>(exact), smallest_scale), 0);
  }
  const double exact = (high - low) / static_cast<double>(levels.steps());
  const float scale = std::max(static_cast<float>(exact), smallest_scale);
  return per_tensor(scale, zero_point_for(low, scale, levels));
}

Quantization with_scale_at_least(const Quantization& quantization, double scale, DType dtype) {
  const float old_scale = quantization.scales.front();
  const std::int64_t old_zero_point = quantization.zero_points.front();
  if (scale <= static_cast<double>(old_scale)) return quantization;
  const float raised = rounded_up(scale);
  if (old_zero_point == 0) return per_tensor(raised, 0);
  const Levels levels = levels_of(dtype);
  const double low = static_cast<double>(old_scale) * static_cast<double>(levels.lowest - old_zero_point);
  return per_tensor(raised, zero_point_for(low, raised, levels));
}

Data quantize_values(std::span<const float> values, const Quantization& quantization, DType dtype) {
  switch (dtype) {
    case DType::int8:
      return levels_of_values<std::int8_t>(values, quantization, levels_of(dtype));
    case DType::int16:
      return levels_of_values<std::int16_t>(values, quantization, levels_of(dtype));
    default:
      throw Error(ErrorCode::internal, "no activation has type " + std::string(name_of(dtype)));
  }
}

WeightScales::WeightScales(const Tensor& weights, std::int32_t axis, std::span<const float> bias) {
  const auto values = weights.as<float>();
  const auto channels = static_cast<std::size_t>(weights.shape[static_cast<std::size_t>(axis)]);
  std::size_t inner = 1;
  for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < weights.shape.size(); ++i) {
    inner *= static_cast<std::size_t>(weights.shape[i]);
  }
  largest_.assign(channels, 0.0);
  sums_.assign(channels, 0.0);
  for (std::size_t start = 0; start < values.size(); start += inner) {
    const std::size_t channel = start / inner % channels;
    float largest = static_cast<float>(largest_[channel]);
    double sum = 0;
    for (const float value : values.subspan(start, inner)) {
      largest = std::max(largest, std::abs(value));
      sum += std::abs(static_cast<double>(value));
    }
    largest_[channel] = largest;
    sums_[channel] += sum;
  }
  for (const float value : bias) bias_.push_back(std::abs(static_cast<double>(value)));
  per_channel_ = channels == 0 ? 0 : static_cast<double>(values.size() / channels);
  const auto finite = [](double value) { return std::isfinite(value); };
  is_finite_ =
      std::all_of(sums_.begin(), sums_.end(), finite) && std::all_of(bias_.begin(), bias_.end(), finite);
}

std::optional<std::vector<float>> WeightScales::at(float input_scale, DType activations) const {
  const bool is_wide = activations == DType::int16;
  const double bias_levels = is_wide ? 0x1p32 : 0x1p29;
  // What the bias leaves of the 32 bits, less what rounding may add to each weight.
  const double steps = static_cast<double>(levels_of(DType::int8).steps());
  const double room = 0x1p31 - 0x1p29 - steps * per_channel_;
  if (!is_finite_ || (!is_wide && room <= 0)) return std::nullopt;
  std::vector<float> scales(largest_.size());
  for (std::size_t channel = 0; channel < scales.size(); ++channel) {
    double scale = std::max<double>(largest_[channel] / 127.0, smallest_scale);
    if (!bias_.empty())
      scale = std::max(scale, bias_[channel] / (static_cast<double>(input_scale) * bias_levels));
    if (!is_wide) scale = std::max(scale, steps * sums_[channel] / room);
    if (scale * static_cast<double>(input_scale) > largest_float || scale > largest_float)
      return std::nullopt;
    scales[channel] = static_cast<float>(scale);
  }
  return scales;
}

}  // namespace calib8
