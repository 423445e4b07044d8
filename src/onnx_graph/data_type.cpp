#include "onnx_graph/data_type.h"

#include <array>
#include <utility>

#include "calib8/error.h"

namespace calib8 {
namespace {

constexpr std::array<std::pair<std::int64_t, DType>, 13> numbers{{
    {1, DType::float32},
    {2, DType::uint8},
    {3, DType::int8},
    {4, DType::uint16},
    {5, DType::int16},
    {6, DType::int32},
    {7, DType::int64},
    {9, DType::boolean},
    {10, DType::float16},
    {11, DType::float64},
    {12, DType::uint32},
    {13, DType::uint64},
    {16, DType::bfloat16},
}};

}  // namespace

std::int64_t onnx_data_type(DType dtype) {
  for (const auto& [number, type] : numbers) {
    if (type == dtype) return number;
  }
  throw Error(ErrorCode::internal, "not a DType");
}

std::optional<DType> dtype_of_onnx(std::int64_t data_type) {
  for (const auto& [number, type] : numbers) {
    if (number == data_type) return type;
  }
  return std::nullopt;
}

}  // namespace calib8
