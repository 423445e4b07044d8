#include <fmt/format.h>
#include <spng.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "calib8/error.h"
#include "image/decode_formats.h"
#include "image/decode_orientation.h"

namespace calib8 {
namespace {

/// Deflate packs at most 1032 bytes into one.
constexpr double kHighestCompression = 1032;

/// Bytes of one chunk of text or colour profile, unpacked, and of all of them. Pixels don't count.
constexpr std::size_t kMostChunkBytes = std::size_t{16} << 20;
constexpr std::size_t kMostCachedBytes = std::size_t{32} << 20;

using Context = std::unique_ptr<spng_ctx, decltype(&spng_ctx_free)>;
using Palette = std::array<std::array<std::uint8_t, 3>, 256>;

void check(int status, const std::string& where) {
  if (status == SPNG_OK) return;
  const char* reason = status == SPNG_IO_EOF ? "the file is cut short" : spng_strerror(status);
  throw Error(ErrorCode::dataset, fmt::format("can't be decoded as PNG: {}", reason), where);
}

/// The colours of an indexed image. Indices beyond the palette are black, as in Pillow.
Palette read_palette(spng_ctx* context, const std::string& where) {
  spng_plte chunk{};
  check(spng_get_plte(context, &chunk), where);
  Palette palette{};
  for (std::uint32_t i = 0; i < chunk.n_entries; ++i) {
    palette[i] = {chunk.entries[i].red, chunk.entries[i].green, chunk.entries[i].blue};
  }
  return palette;
}

/// The colours that the gray levels of 1, 2, 4 and 8 bits stand for.
Palette gray_levels(int bit_depth) {
  Palette levels{};
  const int most = (1 << bit_depth) - 1;
  for (int i = 0; i <= most; ++i) levels[i].fill(static_cast<std::uint8_t>(i * 255 / most));
  return levels;
}

/// What the samples of one channel of up to 8 bits stand for; all black for images that don't need it.
Palette read_colours(spng_ctx* context, const spng_ihdr& header, const std::string& where) {
  if (header.color_type == SPNG_COLOR_TYPE_INDEXED) return read_palette(context, where);
  return header.bit_depth <= 8 ? gray_levels(header.bit_depth) : Palette{};
}

/// One row of palette indices or gray levels of up to 8 bits, packed from the high bit down.
void convert_indexed_row(const std::uint8_t* row, int width, int bit_depth, const Palette& palette,
                         std::uint8_t* rgb) {
  const int mask = (1 << bit_depth) - 1;
  for (int x = 0; x < width; ++x, rgb += 3) {
    const int bit = x * bit_depth;
    const auto& colour = palette[(row[bit >> 3] >> (8 - bit_depth - (bit & 7))) & mask];
    rgb[0] = colour[0];
    rgb[1] = colour[1];
    rgb[2] = colour[2];
  }
}

/// One row of 16 bit gray.
void convert_deep_gray_row(const std::uint8_t* row, int width, std::uint8_t* rgb, Image& image) {
  for (int x = 0; x < width; ++x, row += 2, rgb += 3) {
    rgb[0] = rgb[1] = rgb[2] = clip_deep_gray(row[0] * 256U + row[1], image);
  }
}

/// One row of colour or of gray with alpha; the low bytes of 16 bit samples and the alpha are dropped.
void convert_channels_row(const std::uint8_t* row, int width, int channels, int sample_bytes,
                          std::uint8_t* rgb) {
  const int green = channels > 2 ? sample_bytes : 0;
  for (int x = 0; x < width; ++x, row += channels * sample_bytes, rgb += 3) {
    rgb[0] = row[0];
    rgb[1] = row[green];
    rgb[2] = row[2 * green];
  }
}

int channels_of(const spng_ihdr& header) {
  switch (header.color_type) {
    case SPNG_COLOR_TYPE_TRUECOLOR:
      return 3;
    case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA:
      return 2;
    case SPNG_COLOR_TYPE_TRUECOLOR_ALPHA:
      return 4;
    default:  // gray and indexed; libspng has refused all others
      return 1;
  }
}

void convert_row(const spng_ihdr& header, const Palette& palette, const std::uint8_t* row, int width,
                 std::uint8_t* rgb, Image& image) {
  const int channels = channels_of(header);
  if (channels > 1) return convert_channels_row(row, width, channels, header.bit_depth / 8, rgb);
  if (header.bit_depth == 16) return convert_deep_gray_row(row, width, rgb, image);
  convert_indexed_row(row, width, header.bit_depth, palette, rgb);
}

std::vector<std::uint8_t> raw_row(const spng_ihdr& header) {
  return std::vector<std::uint8_t>((std::size_t{header.width} * channels_of(header) * header.bit_depth + 7) /
                                   8);
}

/// Decodes row by row: only one row is held besides the result.
void decode_rows(spng_ctx* context, const spng_ihdr& header, const Palette& palette, const std::string& where,
                 Image& image) {
  std::vector<std::uint8_t> row = raw_row(header);
  check(spng_decode_image(context, nullptr, 0, SPNG_FMT_RAW, SPNG_DECODE_PROGRESSIVE), where);
  const std::size_t stride = std::size_t{header.width} * 3;
  const bool direct = channels_of(header) == 3 && header.bit_depth == 8;
  for (std::uint32_t y = 0; y < header.height; ++y) {
    std::uint8_t* rgb = image.pixels.data() + y * stride;
    const int status = spng_decode_row(context, direct ? rgb : row.data(), direct ? stride : row.size());
    if (status != SPNG_EOI || y + 1 < header.height) check(status, where);
    if (!direct) convert_row(header, palette, row.data(), static_cast<int>(header.width), rgb, image);
  }
}

/// Where a pass of an interlaced file (Adam7) has its pixels.
struct Pass {
  std::uint32_t first_column, column_step;
};
constexpr std::array<Pass, 7> kPasses = {{{0, 8}, {4, 8}, {0, 4}, {2, 4}, {0, 2}, {1, 2}, {0, 1}}};

/// Interlaced files come in seven passes over the whole picture, whose rows are put in place one by one.
void decode_interlaced(spng_ctx* context, const spng_ihdr& header, const Palette& palette,
                       const std::string& where, Image& image) {
  std::vector<std::uint8_t> row = raw_row(header), rgb(std::size_t{header.width} * 3);
  check(spng_decode_image(context, nullptr, 0, SPNG_FMT_RAW, SPNG_DECODE_PROGRESSIVE), where);
  for (int status = SPNG_OK; status != SPNG_EOI;) {
    spng_row_info info{};
    check(spng_get_row_info(context, &info), where);
    status = spng_decode_scanline(context, row.data(), row.size());
    if (status != SPNG_EOI) check(status, where);
    const auto& [first_column, column_step] = kPasses.at(info.pass);
    const std::uint32_t width = (header.width - first_column + column_step - 1) / column_step;
    convert_row(header, palette, row.data(), static_cast<int>(width), rgb.data(), image);
    std::uint8_t* to = image.pixels.data() + (std::size_t{info.row_num} * header.width + first_column) * 3;
    for (std::size_t x = 0; x < width; ++x) std::copy_n(rgb.data() + 3 * x, 3, to + 3 * x * column_step);
  }
}

/// "Raw profile type exif", as ImageMagick writes it: two lines, the length, then hexadecimal digits.
std::vector<std::byte> read_raw_profile(std::string_view text) {
  for (int line = 0; line < 3; ++line) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  std::vector<std::byte> bytes;
  int high = -1;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) continue;
    if (high >= 0) bytes.push_back(static_cast<std::byte>(high * 16 + digit));
    high = high >= 0 ? -1 : digit;
  }
  return bytes;
}

/// What the chunk eXIf says, or else the older raw profile, or else XMP; 1 where none says anything. They may
/// stand behind the pixels, so these must have been decoded.
int read_orientation(spng_ctx* context) {
  spng_decode_chunks(context);  // where that fails, what was read before it counts
  std::optional<int> from_exif;
  std::optional<int> from_xmp;
  spng_exif exif{};
  const bool has_exif = spng_get_exif(context, &exif) == SPNG_OK;
  if (has_exif) from_exif = find_exif_orientation({reinterpret_cast<std::byte*>(exif.data), exif.length});
  std::uint32_t count = 0;
  if (spng_get_text(context, nullptr, &count) != SPNG_OK) return from_exif.value_or(1);
  std::vector<spng_text> texts(count);
  if (spng_get_text(context, texts.data(), &count) != SPNG_OK) return from_exif.value_or(1);
  for (const spng_text& text : texts) {
    const std::string_view keyword = text.keyword;
    const std::string_view value(text.text, text.length);
    if (keyword == "Raw profile type exif" && !has_exif && !value.empty()) {
      from_exif = find_exif_orientation(read_raw_profile(value));
    } else if (keyword == "XML:com.adobe.xmp") {
      from_xmp = find_xmp_orientation(std::as_bytes(std::span(value)));
    }
  }
  return from_exif ? *from_exif : from_xmp.value_or(1);
}

}  // namespace

Image decode_png(ByteView file, const std::string& where, const DecodeOptions& options) {
  const Context context(spng_ctx_new(0), &spng_ctx_free);
  if (!context) throw Error(ErrorCode::dataset, "not enough memory to decode the PNG", where);
  check(spng_set_chunk_limits(context.get(), kMostChunkBytes, kMostCachedBytes), where);
  check(spng_set_png_buffer(context.get(), file.data(), file.size()), where);
  spng_ihdr header{};
  check(spng_get_ihdr(context.get(), &header), where);
  const double least_bits_per_pixel = channels_of(header) * header.bit_depth / kHighestCompression;
  Image image = allocate_image(header.width, header.height, file.size(), least_bits_per_pixel, where);
  const Palette palette = read_colours(context.get(), header, where);
  if (header.interlace_method == SPNG_INTERLACE_NONE) {
    decode_rows(context.get(), header, palette, where, image);
  } else {
    decode_interlaced(context.get(), header, palette, where, image);
  }
  if (options.exif_orientation) return turn_upright(std::move(image), read_orientation(context.get()));
  return image;
}

}  // namespace calib8
