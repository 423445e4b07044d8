#pragma once

#include <cstddef>
#include <vector>

#include "image/image.h"

namespace calib8 {

/// The picture as a PNG file: 8 bit RGB, all pixels kept.
std::vector<std::byte> encode_png(const Image& image);

/// The picture as a baseline JPEG file, colours at full resolution; `quality` is 1 to 100.
std::vector<std::byte> encode_jpeg(const Image& image, int quality);

}  // namespace calib8
