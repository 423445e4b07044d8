#include "ops/convolution/weights.h"

#include <algorithm>
#include <cassert>

namespace calib8 {

Tensor as_float32(const Tensor& tensor) {
  return tensor.dtype == DType::float32 ? tensor : make_tensor(tensor.shape, to_float(tensor));
}

Tensor reshaped(Tensor tensor, Shape shape) {
  assert(element_count(shape) == tensor.count());
  tensor.shape = std::move(shape);
  return tensor;
}

Tensor swap_rows_and_columns(const Tensor& tensor, std::int64_t batch, std::int64_t rows,
                             std::int64_t columns, Shape shape) {
  assert(batch * rows * columns == tensor.count());
  const Tensor source = as_float32(tensor);
  if (rows == 1 || columns == 1) return reshaped(source, std::move(shape));
  const auto from = source.as<float>();
  std::vector<float> to(from.size());
  constexpr std::int64_t tile = 32;  // 32 x 32 floats in and out stay within a first-level cache
  for (std::int64_t b = 0; b < batch; ++b) {
    const float* in = from.data() + b * rows * columns;
    float* out = to.data() + b * rows * columns;
    for (std::int64_t row_start = 0; row_start < rows; row_start += tile) {
      const std::int64_t row_end = std::min(row_start + tile, rows);
      for (std::int64_t column_start = 0; column_start < columns; column_start += tile) {
        const std::int64_t column_end = std::min(column_start + tile, columns);
        for (std::int64_t column = column_start; column < column_end; ++column) {
          for (std::int64_t row = row_start; row < row_end; ++row) {
            out[column * rows + row] = in[row * columns + column];
          }
        }
      }
    }
  }
  return make_tensor(std::move(shape), std::move(to));
}

}  // namespace calib8
