#include "base/tensor.h"

#include <string>

#include "calib8/error.h"

namespace calib8 {
namespace {

template <class Out, class In>
std::vector<Out> cast_all(const Tensor& tensor) {
  const auto values = tensor.as<In>();
  return std::vector<Out>(values.begin(), values.end());
}

template <float (*widen)(std::uint16_t)>
std::vector<float> widen_all(const Tensor& tensor) {
  const std::span<const std::uint16_t> bits{
      reinterpret_cast<const std::uint16_t*>(tensor.data.bytes().data()), tensor.data.size() / 2};
  std::vector<float> values(bits.size());
  for (std::size_t i = 0; i < bits.size(); ++i) values[i] = widen(bits[i]);
  return values;
}

}  // namespace

std::vector<float> to_float(const Tensor& tensor) {
  switch (tensor.dtype) {
    case DType::float32:
      return cast_all<float, float>(tensor);
    case DType::float64:
      return cast_all<float, double>(tensor);
    case DType::float16:
      return widen_all<half_to_float>(tensor);
    case DType::bfloat16:
      return widen_all<bfloat16_to_float>(tensor);
    case DType::int8:
      return cast_all<float, std::int8_t>(tensor);
    case DType::uint8:
      return cast_all<float, std::uint8_t>(tensor);
    case DType::int16:
      return cast_all<float, std::int16_t>(tensor);
    case DType::uint16:
      return cast_all<float, std::uint16_t>(tensor);
    case DType::int32:
      return cast_all<float, std::int32_t>(tensor);
    case DType::uint32:
      return cast_all<float, std::uint32_t>(tensor);
    case DType::int64:
      return cast_all<float, std::int64_t>(tensor);
    case DType::uint64:
      return cast_all<float, std::uint64_t>(tensor);
    case DType::boolean:
      return cast_all<float, bool>(tensor);
  }
  throw Error(ErrorCode::internal, "to_float: not a DType");
}

std::vector<std::int64_t> to_int64(const Tensor& tensor) {
  switch (tensor.dtype) {
    case DType::int8:
      return cast_all<std::int64_t, std::int8_t>(tensor);
    case DType::uint8:
      return cast_all<std::int64_t, std::uint8_t>(tensor);
    case DType::int16:
      return cast_all<std::int64_t, std::int16_t>(tensor);
    case DType::uint16:
      return cast_all<std::int64_t, std::uint16_t>(tensor);
    case DType::int32:
      return cast_all<std::int64_t, std::int32_t>(tensor);
    case DType::uint32:
      return cast_all<std::int64_t, std::uint32_t>(tensor);
    case DType::int64:
      return cast_all<std::int64_t, std::int64_t>(tensor);
    case DType::uint64:
      return cast_all<std::int64_t, std::uint64_t>(tensor);
    case DType::boolean:
      return cast_all<std::int64_t, bool>(tensor);
    default:
      throw Error(ErrorCode::internal,
                  std::string("to_int64: a tensor of ") + std::string(name_of(tensor.dtype)));
  }
}

}  // namespace calib8
