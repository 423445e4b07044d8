#pragma once

#include <optional>

#include "base/dtype.h"
#include "container/tflite_schema_generated.h"

namespace calib8 {

/// The file format's number for an element type.
constexpr schema::TensorType tensor_type_of(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return schema::TensorType::FLOAT32;
    case DType::float64:
      return schema::TensorType::FLOAT64;
    case DType::float16:
      return schema::TensorType::FLOAT16;
    case DType::bfloat16:
      return schema::TensorType::BFLOAT16;
    case DType::int8:
      return schema::TensorType::INT8;
    case DType::uint8:
      return schema::TensorType::UINT8;
    case DType::int16:
      return schema::TensorType::INT16;
    case DType::uint16:
      return schema::TensorType::UINT16;
    case DType::int32:
      return schema::TensorType::INT32;
    case DType::uint32:
      return schema::TensorType::UINT32;
    case DType::int64:
      return schema::TensorType::INT64;
    case DType::uint64:
      return schema::TensorType::UINT64;
    case DType::boolean:
      break;
  }
  return schema::TensorType::BOOL;
}

/// The element type behind the file format's number; nothing for those that calib8 does not read (strings,
/// complex, packed 4 and 2 bit integers, resources).
constexpr std::optional<DType> dtype_of(schema::TensorType type) {
  for (int number = 0; number <= static_cast<int>(DType::boolean); ++number) {
    const auto dtype = static_cast<DType>(number);
    if (tensor_type_of(dtype) == type) return dtype;
  }
  return std::nullopt;
}

}  // namespace calib8
