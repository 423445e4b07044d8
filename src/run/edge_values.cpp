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

template <class T>
std::vector<float> from_levels(ByteView elements, float scale, std::int64_t zero_point) {
  const std::span<const T> levels(reinterpret_cast<const T*>(elements.data()), elements.size() / sizeof(T));
  std::vector<float> values;
  values.reserve(levels.size());
  for (const T level : levels)
    values.push_back(scale * static_cast<float>(static_cast<std::int64_t>(level) - zero_point));
  return values;
}

}  // namespace

EdgeType edge_type(const TfliteTensor& tensor) {
  return {tensor.dtype, tensor.quantization};
}

Tensor from_float(const Tensor& values, const EdgeType& type) {
  if (type.dtype == values.dtype && !type.quantization) return values;
  if (!type.quantization) throw Error(ErrorCode::internal, "an integer input without a scale");
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
  if (!type.quantization) throw Error(ErrorCode::internal, "an integer output without a scale");
  const float scale = type.quantization->scales.front();
  const std::int64_t zero_point = type.quantization->zero_points.front();
  if (type.dtype == DType::uint8) return from_levels<std::uint8_t>(elements, scale, zero_point);
  if (type.dtype == DType::int16) return from_levels<std::int16_t>(elements, scale, zero_point);
  return from_levels<std::int8_t>(elements, scale, zero_point);
}

}  // namespace calib8
