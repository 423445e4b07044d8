#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace calib8 {

/// Unpacks the runs (RLE8, or RLE4 where `nibbles`) of a BMP file from `offset` on, as Pillow does: one
/// palette index a byte, rows in the file's order without padding, width x height of them. Fewer or more come
/// out of damaged files; the caller checks. Memory grows with what was unpacked and not with what is claimed.
std::vector<std::uint8_t> decode_bmp_runs(ByteView file, std::size_t offset, std::size_t width,
                                          std::size_t height, bool nibbles);

}  // namespace calib8
