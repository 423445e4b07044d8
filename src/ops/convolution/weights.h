#pragma once

#include <cstdint>

#include "base/tensor.h"

namespace calib8 {

/// The tensor as float32, sharing its bytes where it is that already.
Tensor as_float32(const Tensor& tensor);

/// The tensor's elements under another shape of as many elements.
Tensor reshaped(Tensor tensor, Shape shape);

/// Reads the elements as [batch, rows, columns] and returns float32 [batch, columns, rows] under the given
/// shape. Bytes are shared where that moves nothing (rows or columns are 1).
Tensor swap_rows_and_columns(const Tensor& tensor, std::int64_t batch, std::int64_t rows,
                             std::int64_t columns, Shape shape);

}  // namespace calib8
