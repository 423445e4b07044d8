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

constexpr std::array<Signature, 9> kFormats = {{{0, "\xff\xd8\xff", ImageFormat::jpeg},
                                                {0, "\x89PNG\r\n\x1a\n", ImageFormat::png},
                                                {8, "WEBPVP8", ImageFormat::webp},
                                                {0, "BM", ImageFormat::bmp},
                                                {0, "II*\0"sv, ImageFormat::tiff},
                                                {0, "MM\0*"sv, ImageFormat::tiff},
                                                {0, "II+\0"sv, ImageFormat::tiff},  // BigTIFF
                                                {0, "MM\0+"sv, ImageFormat::tiff},
                                                {0, "GIF8", ImageFormat::gif}}};

struct OtherContent {
  std::size_t offset;
  std::string_view bytes;
  std::string_view name;
};

/// What image folders hold besides, to name it in the refusal.
constexpr std::array<OtherContent, 6> kOtherContents = {{{4, "jP  ", "a JPEG 2000 image"},
                                                         {0, "\xff\x0a", "a JPEG XL image"},
                                                         {0, "8BPS", "a Photoshop document"},
                                                         {128, "DICM", "a DICOM file"},
                                                         {0, "version https://git-lfs", "a Git LFS pointer"},
                                                         {0, "<", "a text (HTML or XML) file"}}};

std::string_view describe_content(ByteView file) {
  for (const OtherContent& other : kOtherContents) {
    if (has_at(file, other.offset, other.bytes)) return other.name;
  }
  return "none of JPEG, PNG, WebP, BMP, TIFF, PNM, GIF, AVIF and HEIC";
}

/// "P1" to "P6" and a blank.
bool is_pnm(ByteView file) {
  if (file.size() < 3 || file[0] != std::byte{'P'}) return false;
  const char kind = static_cast<char>(file[1]), blank = static_cast<char>(file[2]);
  return kind >= '1' && kind <= '6' && (blank == ' ' || (blank >= '\t' && blank <= '\r') || blank == '#');
}

/// Of the ISO base media file format: the brands that its first box names, the main one first.
ImageFormat format_of_brands(ByteView file) {
  if (!has_at(file, 4, "ftyp")) return ImageFormat::unknown;
  const std::size_t size =
      std::to_integer<std::size_t>(file[2]) * 256 + std::to_integer<std::size_t>(file[3]);
  for (std::size_t at = 8; at + 4 <= std::min(size, file.size()); at += 4) {
    for (const std::string_view brand : {"avif", "avis"}) {
      if (has_at(file, at, brand)) return ImageFormat::avif;
    }
    for (const std::string_view brand : {"heic", "heix", "heim", "heis", "hevc", "hevx"}) {
      if (has_at(file, at, brand)) return ImageFormat::heic;
    }
  }
  return ImageFormat::unknown;
}

}  // namespace

ImageFormat format_of(ByteView file) {
  for (const Signature& signature : kFormats) {
    if (has_at(file, signature.offset, signature.bytes) &&
        (signature.format != ImageFormat::webp || has_at(file, 0, "RIFF"))) {
      return signature.format;
    }
  }
  return is_pnm(file) ? ImageFormat::pnm : format_of_brands(file);
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
    case ImageFormat::pnm:
      return "PNM";
    case ImageFormat::gif:
      return "GIF";
    case ImageFormat::avif:
      return "AVIF";
    case ImageFormat::heic:
      return "HEIC";
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
    case ImageFormat::pnm:
      return decode_pnm(file, where);
    case ImageFormat::gif:
      return decode_gif(file, where);
    case ImageFormat::avif:
      return decode_avif(file, where, options);
    case ImageFormat::heic:
      return decode_heic(file, where);
    case ImageFormat::unknown:
      break;
  }
  throw Error(ErrorCode::dataset, fmt::format("is {}: convert it to JPEG or PNG", describe_content(file)),
              where);
}

}  // namespace calib8
