#pragma once

#include <string>

#include "base/bytes.h"
#include "image/decode.h"
#include "image/image.h"

namespace calib8 {

/// The decoders behind decode_image; `file` begins with the format's signature.
Image decode_jpeg(ByteView file, const std::string& where);
Image decode_png(ByteView file, const std::string& where, const DecodeOptions& options);
Image decode_webp(ByteView file, const std::string& where);
Image decode_bmp(ByteView file, const std::string& where);
Image decode_tiff(ByteView file, const std::string& where);
Image decode_pnm(ByteView file, const std::string& where);
Image decode_gif(ByteView file, const std::string& where);
Image decode_avif(ByteView file, const std::string& where, const DecodeOptions& options);
Image decode_heic(ByteView file, const std::string& where);

/// Fails with ErrorCode::dataset where a side is zero, where the size exceeds kMaximumPixels or
/// kLongestImageSide, or where a file
/// of `file_size` bytes can't hold so many pixels: `least_bits_per_pixel` is how little the format can spend
/// on one.
void check_image_size(std::int64_t width, std::int64_t height, std::size_t file_size,
                      double least_bits_per_pixel, const std::string& where);

/// An image of that size with all pixels zero, checked first, so that a lie about the size costs no memory.
Image allocate_image(std::int64_t width, std::int64_t height, std::size_t file_size,
                     double least_bits_per_pixel, const std::string& where);

/// 16 bit gray to 8 bit as Pillow's convert("RGB") does it: what is over 255 becomes white, and the picture
/// is marked.
inline std::uint8_t clip_deep_gray(unsigned value, Image& image) {
  image.clipped = image.clipped || value > 255;
  return static_cast<std::uint8_t>(value > 255 ? 255 : value);
}

/// Pillow's conversion of CMYK to RGB, with its rounding of a * b / 255.
inline void cmyk_to_rgb(int cyan, int magenta, int yellow, int black, std::uint8_t* rgb) {
  const int light = 255 - black;
  const int inks[3] = {cyan, magenta, yellow};
  for (int c = 0; c < 3; ++c) {
    const int product = inks[c] * light + 128;
    const int value = light - (((product >> 8) + product) >> 8);
    rgb[c] = static_cast<std::uint8_t>(value < 0 ? 0 : value);
  }
}

}  // namespace calib8
