#pragma once

#include <cstring>
#include <string_view>

#include "base/bytes.h"

namespace calib8 {

enum class ImageFormat { unknown, jpeg, png, webp, bmp, tiff };

/// The format that a file's first bytes tell.
inline ImageFormat format_of(ByteView file) {
  const auto has = [&](std::size_t at, std::string_view bytes) {
    return file.size() >= at + bytes.size() && std::memcmp(file.data() + at, bytes.data(), bytes.size()) == 0;
  };
  if (has(0, "\xff\xd8\xff")) return ImageFormat::jpeg;
  if (has(0, "\x89PNG\r\n\x1a\n")) return ImageFormat::png;
  if (has(0, "RIFF") && has(8, "WEBP")) return ImageFormat::webp;
  if (has(0, "BM")) return ImageFormat::bmp;
  return has(0, std::string_view("II*\0", 4)) || has(0, std::string_view("MM\0*", 4)) ? ImageFormat::tiff
                                                                                      : ImageFormat::unknown;
}

}  // namespace calib8
