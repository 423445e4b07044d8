#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "image/tiff_file.h"

namespace calib8 {

/// How a TIFF file's samples stand for colours; only what decode_image reads, all else is refused.
struct TiffLayout {
  enum class Colour { gray, palette, rgb, cmyk };

  std::uint32_t width = 0;
  std::uint32_t height = 0;
  Colour colour = Colour::rgb;
  bool planar = false;         ///< Each sample in a plane of its own.
  int bits = 8;                ///< Of a sample: 1, 2, 4, 8 or 16.
  int samples = 3;             ///< Of a pixel, alpha and what else there is included.
  bool premultiplied = false;  ///< Sample 3 is an alpha that red, green and blue were multiplied by.
  bool subsampled = false;     ///< YCbCr that libtiff must turn into RGB.
  std::uint16_t compression = COMPRESSION_NONE;

  /// What the samples of palettes, and of gray of up to 8 bits, stand for.
  std::array<std::array<std::uint8_t, 3>, 256> colours{};

  int samples_in_plane() const { return planar ? 1 : samples; }
};

/// Reads and checks the tags. Sets libtiff to give RGB for YCbCr under JPEG. Fails with ErrorCode::dataset,
/// naming the kind, where the file is of one that isn't read.
TiffLayout read_tiff_layout(const TiffFile& file, const std::string& where);

/// Bits that the compression can spend on a pixel at least; 0 where there is no bound.
double least_bits_per_pixel(const TiffLayout& layout);

}  // namespace calib8
