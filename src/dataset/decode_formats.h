#pragma once

#include <string>

#include "base/bytes.h"
#include "dataset/image.h"

namespace calib8 {

/// The decoders behind decode_image; `file` begins with the format's signature.
Image decode_jpeg(ByteView file, const std::string& where);
Image decode_png(ByteView file, const std::string& where);

/// An image of that size with all pixels zero. `least_bits_per_pixel` is how little the format can spend on a
/// pixel. Fails with ErrorCode::dataset where a side is zero, where the size exceeds kMaximumPixels, or where
/// a file of `file_size` bytes can't hold so many pixels, so that a lie about the size costs no memory.
Image allocate_image(std::int64_t width, std::int64_t height, std::size_t file_size,
                     double least_bits_per_pixel, const std::string& where);

}  // namespace calib8
