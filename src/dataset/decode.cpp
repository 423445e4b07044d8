#include "dataset/decode.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "calib8/error.h"
#include "dataset/decode_formats.h"

namespace calib8 {
namespace {

using std::string_view_literals::operator""sv;

bool has_at(ByteView file, std::size_t offset, std::string_view signature) {
  return file.size() >= offset + signature.size() &&
         std::memcmp(file.data() + offset, signature.data(), signature.size()) == 0;
}

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  std::string_view format;
};

/// What image folders hold besides JPEG and PNG, to name it in the refusal.
constexpr std::array<Signature, 9> kOtherFormats = {{{8, "WEBP", "a WebP image"},
                                                     {0, "BM", "a BMP image"},
                                                     {0, "GIF8", "a GIF image"},
                                                     {0, "II*\0"sv, "a TIFF image"},
                                                     {0, "MM\0*"sv, "a TIFF image"},
                                                     {4, "ftypheic", "a HEIC image"},
                                                     {4, "ftypavif", "an AVIF image"},
                                                     {0, "version https://git-lfs", "a Git LFS pointer"},
                                                     {0, "<", "a text (HTML or XML) file"}}};

std::string_view describe_content(ByteView file) {
  for (const Signature& other : kOtherFormats) {
    if (has_at(file, other.offset, other.bytes)) return other.format;
  }
  return "neither JPEG nor PNG";
}

}  // namespace

Image allocate_image(std::int64_t width, std::int64_t height, std::size_t file_size,
                     double least_bits_per_pixel, const std::string& where) {
  if (width < 1 || height < 1) throw Error(ErrorCode::dataset, "the image has no pixels", where);
  if (width > kMaximumPixels / height) {
    throw Error(ErrorCode::dataset,
                fmt::format("claims {}x{} pixels, over the limit of {}: shrink the image or leave it out",
                            width, height, kMaximumPixels),
                where);
  }
  if (static_cast<double>(width * height) * least_bits_per_pixel / 8 > static_cast<double>(file_size)) {
    throw Error(ErrorCode::dataset,
                fmt::format("claims {}x{} pixels, but {} bytes can't hold them: the file is cut short", width,
                            height, file_size),
                where);
  }
  Image image{static_cast<int>(width), static_cast<int>(height), {}};
  image.pixels.resize(static_cast<std::size_t>(width * height) * 3);
  return image;
}

Image decode_image(ByteView file, const std::string& where) {
  if (file.empty()) throw Error(ErrorCode::dataset, "the file is empty", where);
  if (has_at(file, 0, "\xff\xd8\xff")) return decode_jpeg(file, where);
  if (has_at(file, 0, "\x89PNG\r\n\x1a\n")) return decode_png(file, where);
  throw Error(ErrorCode::dataset, fmt::format("is {}: convert it to JPEG or PNG", describe_content(file)),
              where);
}

}  // namespace calib8
