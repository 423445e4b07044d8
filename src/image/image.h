#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace calib8 {

/// A decoded picture: `pixels` holds height x width x 3 bytes, row by row, each pixel as red, green, blue in
/// 0..255. Width and height are at least 1.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> pixels;
  bool clipped = false;  ///< It was 16 bit gray, of which some values over 255 became white.
};

inline bool operator==(const Image& a, const Image& b) {
  return a.width == b.width && a.height == b.height && a.pixels == b.pixels;
}

}  // namespace calib8
