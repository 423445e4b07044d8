#pragma once

#include <jpeglib.h>
#include <spng.h>
#include <webp/encode.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/test_folder.h"
#include "image/image.h"

/// Files and folders for the tests of this folder, written by the formats' own encoders.
namespace calib8::test {

struct PngKind {
  int color_type = SPNG_COLOR_TYPE_TRUECOLOR;
  int bit_depth = 8;
  bool interlaced = false;
  std::vector<spng_plte_entry> palette = {};
};

/// A PNG file from its samples as they stand in the file (16 bit ones with the high byte first).
inline std::vector<std::byte> encode_png(int width, int height, const std::vector<std::uint8_t>& samples,
                                         const PngKind& kind = {}) {
  spng_ctx* context = spng_ctx_new(SPNG_CTX_ENCODER);
  spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
  spng_ihdr header{static_cast<std::uint32_t>(width),
                   static_cast<std::uint32_t>(height),
                   static_cast<std::uint8_t>(kind.bit_depth),
                   static_cast<std::uint8_t>(kind.color_type),
                   0,
                   0,
                   static_cast<std::uint8_t>(kind.interlaced ? 1 : 0)};
  spng_set_ihdr(context, &header);
  if (!kind.palette.empty()) {
    spng_plte palette{};
    palette.n_entries = static_cast<std::uint32_t>(kind.palette.size());
    std::copy(kind.palette.begin(), kind.palette.end(), palette.entries);
    spng_set_plte(context, &palette);
  }
  // libspng's raw format is the file's own; its "PNG" format takes 16 bit samples in the machine's order.
  std::vector<std::uint8_t> native = samples;
  if (kind.bit_depth == 16) {
    for (std::size_t i = 0; i + 1 < native.size(); i += 2) std::swap(native[i], native[i + 1]);
  }
  spng_encode_image(context, native.data(), native.size(), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
  std::size_t size = 0;
  int error = 0;
  void* buffer = spng_get_png_buffer(context, &size, &error);
  const auto* bytes = static_cast<const std::byte*>(buffer);
  std::vector<std::byte> file(bytes, bytes + size);
  std::free(buffer);
  spng_ctx_free(context);
  return file;
}

struct JpegKind {
  J_COLOR_SPACE color_space = JCS_RGB;  ///< Of the samples: JCS_GRAYSCALE, JCS_RGB or JCS_CMYK.
  bool progressive = false;
  int quality = 90;
  bool arithmetic = false;  ///< Arithmetic coding instead of Huffman's.
};

inline std::vector<std::byte> encode_jpeg(int width, int height, std::vector<std::uint8_t> samples,
                                          const JpegKind& kind = {}) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = kind.color_space == JCS_GRAYSCALE ? 1 : kind.color_space == JCS_CMYK ? 4 : 3;
  info.in_color_space = kind.color_space;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, kind.quality, TRUE);
  if (kind.progressive) jpeg_simple_progression(&info);
  info.arith_code = kind.arithmetic ? TRUE : FALSE;
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row =
        samples.data() + info.next_scanline * static_cast<std::size_t>(width * info.input_components);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  const auto* bytes = reinterpret_cast<const std::byte*>(buffer);
  std::vector<std::byte> file(bytes, bytes + size);
  std::free(buffer);
  jpeg_destroy_compress(&info);
  return file;
}

/// A lossless WebP file from red, green and blue.
inline std::vector<std::byte> encode_webp(int width, int height, const std::vector<std::uint8_t>& samples) {
  std::uint8_t* buffer = nullptr;
  const std::size_t size = WebPEncodeLosslessRGB(samples.data(), width, height, width * 3, &buffer);
  const auto* bytes = reinterpret_cast<const std::byte*>(buffer);
  std::vector<std::byte> file(bytes, bytes + size);
  WebPFree(buffer);
  return file;
}

inline std::vector<std::uint8_t> random_bytes(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

}  // namespace calib8::test
