#pragma once

#include <cstdint>
#include <optional>

#include "base/dtype.h"

namespace calib8 {

/// The type's number in ONNX files (TensorProto.DataType), as in Cast's attribute `to`.
std::int64_t onnx_data_type(DType dtype);

/// The type with that number; nothing for numbers that calib8 has no type for (strings, complex, 8-bit
/// floats, 4 bits).
std::optional<DType> dtype_of_onnx(std::int64_t data_type);

}  // namespace calib8
