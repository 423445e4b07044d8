#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/dtype.h"
#include "base/shape.h"

namespace calib8 {

/// What the head of a .npy file says (NumPy's NEP 1, versions 1 to 3).
struct NpyHeader {
  DType dtype = DType::float32;
  bool big_endian = false;
  bool fortran_order = false;  ///< The first index runs fastest.
  Shape shape;
  std::size_t data_offset = 0;  ///< Where the elements begin.

  /// Bytes of all elements.
  std::uint64_t data_size() const;
};

/// Bytes from the beginning of a file that are enough for any head.
inline constexpr std::size_t kMostNpyHeader = 1 << 16;

/// Reads the head, of which `start` holds kMostNpyHeader bytes, or all there are. The head is a Python
/// literal; it is read by a grammar of its own, and nothing is evaluated. Fails with ErrorCode::dataset where
/// it isn't a .npy file, holds Python objects, text, records or complex numbers, or where the shape doesn't
/// fit a file of `file_size` bytes.
NpyHeader read_npy_header(ByteView start, std::uint64_t file_size, const std::string& where);

/// `count` elements of that type as float32.
std::vector<float> npy_to_float(const NpyHeader& header, ByteView elements);

}  // namespace calib8
