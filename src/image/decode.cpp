#include "image/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "calib8/error.h"
#include "image/decode_formats.h"
#include "image/decode_orientation.h"

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
  ImageFormat format;
};

constexpr std::array<Signature, 8> kFormats = {{{0, "\xff\xd8\xff", ImageFormat::jpeg},
                                                {0, "\x89PNG\r\n\x1a\n", ImageFormat::png},
                                                {8, "WEBPVP8", ImageFormat::webp},
                                                {0, "BM", ImageFormat::bmp},
                                                {0, "II*\0"sv, ImageFormat::tiff},
                                                {0, "MM\0*"sv, ImageFormat::tiff},
                                                {0, "II+\0"sv, ImageFormat::tiff},  // BigTIFF
                                                {0, "MM\0+"sv, ImageFormat::tiff}}};

struct OtherContent {
  std::size_t offset;
  std::string_view bytes;
  std::string_view name;
};

/// What image folders hold besides, to name it in the refusal.
constexpr std::array<OtherContent, 7> kOtherContents = {{{0, "GIF8", "a GIF image"},
                                                         {4, "ftypheic", "a HEIC image"},
                                                         {4, "ftypavif", "an AVIF image"},
                                                         {4, "jP  ", "a JPEG 2000 image"},
                                                         {0, "8BPS", "a Photoshop document"},
                                                         {0, "version https://git-lfs", "a Git LFS pointer"},
                                                         {0, "<", "a text (HTML or XML) file"}}};

std::string_view describe_content(ByteView file) {
  for (const OtherContent& other : kOtherContents) {
    if (has_at(file, other.offset, other.bytes)) return other.name;
  }
  return "none of JPEG, PNG, WebP, BMP and TIFF";
}

}  // namespace

ImageFormat format_of(ByteView file) {
  for (const Signature& signature : kFormats) {
    if (has_at(file, signature.offset, signature.bytes) &&
        (signature.format != ImageFormat::webp || has_at(file, 0, "RIFF"))) {
      return signature.format;
    }
  }
  return ImageFormat::unknown;
}

std::string_view name_of(ImageFormat format) {
  switch (format) {
    case ImageFormat::jpeg:
      return "JPEG";
    case ImageFormat::png:
      return "PNG";
    case ImageFormat::webp:
      return "WebP";
    case ImageFormat::bmp:
      return "BMP";
    case ImageFormat::tiff:
      return "TIFF";
    case ImageFormat::unknown:
      break;
  }
  return "unknown";
}

void check_image_size(std::int64_t width, std::int64_t height, std::size_t file_size,
                      double least_bits_per_pixel, const std::string& where) {
  if (width < 1 || height < 1) throw Error(ErrorCode::dataset, "the image has no pixels", where);
  if (width > kMaximumPixels / height) {
    throw Error(ErrorCode::dataset,
                fmt::format("claims {}x{} pixels, over the limit of {}: shrink the image or leave it out",
                            width, height, kMaximumPixels),
                where);
  }
  if (std::max(width, height) > kLongestImageSide) {
    throw Error(ErrorCode::dataset,
                fmt::format("is so oblong ({}x{}) that a side exceeds the limit of {}: cut it into pieces or "
                            "leave it out",
                            width, height, kLongestImageSide),
                where);
  }
  if (static_cast<double>(width * height) * least_bits_per_pixel / 8 > static_cast<double>(file_size)) {
    throw Error(ErrorCode::dataset,
                fmt::format("claims {}x{} pixels, but {} bytes can't hold them: the file is cut short", width,
                            height, file_size),
                where);
  }
}

Image allocate_image(std::int64_t width, std::int64_t height, std::size_t file_size,
                     double least_bits_per_pixel, const std::string& where) {
  check_image_size(width, height, file_size, least_bits_per_pixel, where);
  Image image{static_cast<int>(width), static_cast<int>(height), {}};
  image.pixels.resize(static_cast<std::size_t>(width * height) * 3);
  return image;
}

Image decode_image(ByteView file, const std::string& where, const DecodeOptions& options) {
  if (file.empty()) throw Error(ErrorCode::dataset, "the file is empty", where);
  switch (format_of(file)) {
    case ImageFormat::jpeg: {
      const int orientation = options.exif_orientation ? orientation_of_jpeg(file) : 1;
      return turn_upright(decode_jpeg(file, where), orientation);
    }
    case ImageFormat::png:
      return decode_png(file, where, options);
    case ImageFormat::webp: {
      const int orientation = options.exif_orientation ? orientation_of_webp(file) : 1;
      return turn_upright(decode_webp(file, where), orientation);
    }
    case ImageFormat::bmp:
      return decode_bmp(file, where);
    case ImageFormat::tiff:
      return decode_tiff(file, where);
    case ImageFormat::unknown:
      break;
  }
  throw Error(ErrorCode::dataset, fmt::format("is {}: convert it to JPEG or PNG", describe_content(file)),
              where);
}

}  // namespace calib8
