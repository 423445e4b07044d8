#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace calib8 {

/// The whole numbers with which a quantized type stands for the real values of an activation.
struct Levels {
  std::int64_t lowest = 0, highest = 0;
  /// True where the kernels take no zero point but 0.
  bool is_symmetric = false;

  /// Steps from the lowest level to the highest: 255 for int8.
  std::int64_t steps() const { return highest - lowest; }
  friend bool operator==(const Levels&, const Levels&) = default;
};

/// The levels of int8, uint8 and int16 (TFLite's 8-bit specification and its 16x8 extension). Fails with
/// ErrorCode::internal for other types.
Levels levels_of(DType dtype);

/// int8, uint8 or int16: the types that stand for real numbers by a scale and a zero point.
bool is_quantized_type(DType dtype);

}  // namespace calib8
