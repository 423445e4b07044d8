#include "run/edge_values.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/round.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

template <class T>
std::vector<T> round_to_levels(std::span<const float> values, const Quantization& quantization) {
  const float scale = quantization.scales.front();
  const double zero_point = static_cast<double>(quantization.zero_points.front());
  std::vector<T> levels(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double level = round_to_even(static_cast<double>(values[i]) / scale) + zero_point;
    levels[i] = static_cast<T>(
        std::clamp<double>(level, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  }
  return levels;
}

/// Whole numbers as they are: tokens, masks, pictures.
template <class T>
Tensor whole_numbers(const Tensor& values) {
  std::vector<T> numbers;
  for (const float value : values.as<float>()) {
    const double number = round_to_even(static_cast<double>(value));
    // The largest is rounded up in double where T has more than 53 bits.
    const double below = std::numeric_limits<T>::min(),
                 above = std::ldexp(1.0, std::numeric_limits<T>::digits);
    numbers.push_back(number >= above ? std::numeric_limits<T>::max()
                                      : static_cast<T>(std::max(number, below)));
  }
  return make_tensor(values.shape, std::move(numbers));
}

Tensor truth_values(const Tensor& values) {
  std::vector<std::uint8_t> truths;
  for (const float value : values.as<float>()) truths.push_back(value != 0 ? 1 : 0);
  return {DType::boolean, values.shape, Data::from_vector(std::move(truths))};
}

Tensor from_float_unscaled(const Tensor& values, DType dtype) {
  switch (dtype) {
    case DType::int8:
      return whole_numbers<std::int8_t>(values);
    case DType::uint8:
      return whole_numbers<std::uint8_t>(values);
    case DType::int16:
      return whole_numbers<std::int16_t>(values);
    case DType::int64:
      return whole_numbers<std::int64_t>(values);
    case DType::boolean:
      return truth_values(values);
    default:
      return whole_numbers<std::int32_t>(values);
  }
}

template <class T>
std::vector<float> from_whole(ByteView elements) {
  const std::span<const T> numbers(reinterpret_cast<const T*>(elements.data()), elements.size() / sizeof(T));
  std::vector<float> values;
  values.reserve(numbers.size());
  for (const T number : numbers) values.push_back(static_cast<float>(number));
  return values;
}

std::vector<float> to_float_unscaled(ByteView elements, DType dtype) {
  switch (dtype) {
    case DType::int8:
      return from_whole<std::int8_t>(elements);
    case DType::uint8:
    case DType::boolean:
      return from_whole<std::uint8_t>(elements);
    case DType::int16:
      return from_whole<std::int16_t>(elements);
    case DType::int64:
      return from_whole<std::int64_t>(elements);
    default:
      return from_whole<std::int32_t>(elements);
  }
}

template <class T>
std::vector<float> from_levels(ByteView elements, float scale, std::int64_t zero_point) {
  const std::span<const T> levels(reinterpret_cast<const T*>(elements.data()), elements.size() / sizeof(T));
  std::vector<float> values;
  values.reserve(levels.size());
  for (const T level : levels)
    values.push_back(scale * static_cast<float>(static_cast<std::int64_t>(level) - zero_point));
  return values;
}

/// The pixels whose values these are.
Tensor nearest_pixels(const Tensor& values, const PixelScaling& scaling) {
  const auto given = values.as<float>();
  const std::size_t channels = scaling.scale.size();
  std::vector<float> pixels(given.size());
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const std::size_t channel = i % channels;
    const double pixel = (static_cast<double>(given[i]) - scaling.offset[channel]) / scaling.scale[channel];
    pixels[i] = static_cast<float>(std::clamp(round_to_even(pixel), 0.0, 255.0));
  }
  return make_tensor(values.shape, std::move(pixels));
}

}  // namespace

EdgeType edge_type(const TfliteTensor& tensor) {
  return {tensor.dtype, tensor.quantization, std::nullopt};
}

Tensor from_float(const Tensor& values, const EdgeType& type) {
  if (type.pixels)
    return from_float(nearest_pixels(values, *type.pixels), {type.dtype, type.quantization, std::nullopt});
  if (type.dtype == values.dtype && !type.quantization) return values;
  if (!type.quantization) return from_float_unscaled(values, type.dtype);
  if (type.dtype == DType::uint8)
    return make_tensor(values.shape, round_to_levels<std::uint8_t>(values.as<float>(), *type.quantization));
  if (type.dtype == DType::int16)
    return make_tensor(values.shape, round_to_levels<std::int16_t>(values.as<float>(), *type.quantization));
  return make_tensor(values.shape, round_to_levels<std::int8_t>(values.as<float>(), *type.quantization));
}

std::vector<float> to_float(ByteView elements, const EdgeType& type) {
  if (type.dtype == DType::float32) {
    const auto* const begin = reinterpret_cast<const float*>(elements.data());
    return {begin, begin + elements.size() / sizeof(float)};
  }
  if (!type.quantization) return to_float_unscaled(elements, type.dtype);
  const float scale = type.quantization->scales.front();
  const std::int64_t zero_point = type.quantization->zero_points.front();
  if (type.dtype == DType::uint8) return from_levels<std::uint8_t>(elements, scale, zero_point);
  if (type.dtype == DType::int16) return from_levels<std::int16_t>(elements, scale, zero_point);
  return from_levels<std::int8_t>(elements, scale, zero_point);
}

}  // namespace calib8
