#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <span>

#include "optimize/quantization_checks.h"

namespace calib8 {
namespace {

/// |q - zero point| of an int8 activation.
constexpr std::int64_t largest_activation = 255;

/// The operator's int8 weights and what they meet; nothing where the operator has none, or is float.
struct Weighted {
  const TfliteTensor& activation;
  const TfliteTensor& weights;
  const Quantization& quantization;
  double input_scale;
};

std::optional<Weighted> weighted(const OperatorCheck& check) {
  const auto rule = check.rule().weights;
  if (!rule || !check.has_input(rule->input)) return std::nullopt;
  const TfliteTensor& weights = check.input(rule->input);
  if (!is_quantized_type(check.output().dtype) || !weights.quantization) return std::nullopt;
  if (!check.has_input(rule->data)) return std::nullopt;
  const TfliteTensor& activation = check.input(rule->data);
  if (!is_quantized_type(activation.dtype) || !activation.quantization) return std::nullopt;
  if (activation.quantization->scales.size() != 1) return std::nullopt;  // reported for itself
  return Weighted{activation, weights, *weights.quantization, activation.quantization->scales[0]};
}

/// Sum of |w| over each output channel.
std::vector<std::int64_t> absolute_sums(const TfliteTensor& weights, std::size_t axis) {
  std::int64_t inner = 1;
  for (std::size_t i = axis + 1; i < weights.shape.size(); ++i) inner *= weights.shape[i];
  const std::int64_t channels = weights.shape.at(axis);
  std::vector<std::int64_t> sums(static_cast<std::size_t>(channels), 0);
  const Tensor tensor = weights.as_tensor();
  const auto values = tensor.as<std::int8_t>();
  for (std::size_t begin = 0, run = 0; begin < values.size();
       begin += static_cast<std::size_t>(inner), ++run) {
    std::int64_t& sum = sums[run % static_cast<std::size_t>(channels)];
    for (const std::int8_t value : values.subspan(begin, static_cast<std::size_t>(inner)))
      sum += std::abs(value);
  }
  return sums;
}

void check_bias_scales(const OperatorCheck& check, const TfliteTensor& bias, const Weighted& parts) {
  const auto& [scales, zero_points, axis] = *bias.quantization;
  if (scales.size() != parts.quantization.scales.size()) {
    return check.report(fmt::format("bias has {} scales, the weights have {}", scales.size(),
                                    parts.quantization.scales.size()));
  }
  for (std::size_t channel = 0; channel < scales.size(); ++channel) {
    const auto expected =
        static_cast<float>(parts.input_scale * static_cast<double>(parts.quantization.scales[channel]));
    // One rounding more or less is harmless: the kernels compute the product themselves.
    if (std::abs(scales[channel] - expected) <= expected * 4 * std::numeric_limits<float>::epsilon())
      continue;
    return check.report(fmt::format("bias scale {} (channel {}) is not input scale x weight scale = {}",
                                    scales[channel], channel, expected));
  }
}

void check_sums(const OperatorCheck& check, const TfliteTensor& bias, const Weighted& parts) {
  if (!parts.weights.is_constant() || parts.weights.dtype != DType::int8) return;
  const Tensor tensor = bias.as_tensor();
  const auto values = tensor.as<std::int32_t>();
  const auto sums = absolute_sums(parts.weights, static_cast<std::size_t>(check.rule().weights->axis));
  if (sums.size() != values.size()) {
    return check.report(fmt::format("bias has {} elements for {} channels", values.size(), sums.size()));
  }
  for (std::size_t channel = 0; channel < sums.size(); ++channel) {
    const std::int64_t largest = sums[channel] * largest_activation + std::abs(std::int64_t{values[channel]});
    if (largest <= std::numeric_limits<std::int32_t>::max()) continue;
    return check.report(fmt::format("sums of channel {} may reach {} and overflow 32 bits (bias {})", channel,
                                    largest, values[channel]));
  }
}

}  // namespace

void check_weights(const OperatorCheck& check) {
  const auto parts = weighted(check);
  if (!parts) return;
  const auto& [scales, zero_points, axis] = parts->quantization;
  const std::int32_t rule_axis = check.rule().weights->axis;
  const double multiplier_bound = check.target.limits(check.output().dtype).multiplier_bound;
  if (scales.size() > 1 && axis != rule_axis) {
    check.report(fmt::format("weights are quantized on axis {}, the kernel's is {}", axis, rule_axis));
  }
  if (std::ranges::any_of(zero_points, [](std::int64_t zero_point) { return zero_point != 0; })) {
    check.report("weights have a zero point other than 0");
  }
  if (parts->weights.is_constant() && parts->weights.dtype == DType::int8) {
    const Tensor tensor = parts->weights.as_tensor();
    if (std::ranges::find(tensor.as<std::int8_t>(), std::int8_t{-128}) != tensor.as<std::int8_t>().end()) {
      check.report("weights hold -128, which kernels that add pairs overflow on");
    }
  }
  const auto& output = check.output().quantization;
  if (!output || output->scales.size() != 1) return;
  const double largest = *std::ranges::max_element(scales);
  const double multiplier = parts->input_scale * largest / static_cast<double>(output->scales[0]);
  if (multiplier >= multiplier_bound) {
    check.report(
        fmt::format("input scale x weight scale / output scale is {:.4g}; {} and above is out of bounds",
                    multiplier, multiplier_bound));
  }
}

void check_bias(const OperatorCheck& check) {
  const auto parts = weighted(check);
  if (!parts) return;
  const std::size_t position = check.rule().weights->bias;
  if (!check.has_input(position)) return;
  const TfliteTensor& bias = check.input(position);
  const bool is_wide = parts->activation.dtype == DType::int16;
  const DType expected = is_wide ? DType::int64 : DType::int32;
  if (bias.dtype != expected || !bias.quantization) {
    return check.report(fmt::format("bias is {}{}; it must be {} with scales", name_of(bias.dtype),
                                    bias.quantization ? "" : " without scales", name_of(expected)));
  }
  check_bias_scales(check, bias, *parts);
  // 64-bit sums hold whatever int16 activations and int8 weights add up to.
  if (bias.is_constant() && !is_wide) check_sums(check, bias, *parts);
}

}  // namespace calib8
