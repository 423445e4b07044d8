#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "calib8/error.h"
#include "image/bmp_runs.h"
#include "image/decode_formats.h"
#include "image/file_numbers.h"

namespace calib8 {
namespace {

constexpr std::size_t kFileHeaderSize = 14;
constexpr std::array<std::uint64_t, 7> kHeaderSizes = {12, 40, 52, 56, 64, 108, 124};
constexpr std::uint64_t kMostColours = 65536;

enum Compression : std::uint64_t { kNone = 0, kRuns8 = 1, kRuns4 = 2, kBitFields = 3 };

using Masks = std::array<std::uint64_t, 4>;
using Palette = std::array<std::array<std::uint8_t, 3>, 256>;

/// The layouts of bit fields that occur, as Pillow has them: all others are refused.
constexpr std::array<Masks, 7> kMasks32 = {{{0xff0000, 0xff00, 0xff, 0},
                                            {0xff000000, 0xff0000, 0xff00, 0},
                                            {0xff000000, 0xff00, 0xff, 0},
                                            {0xff000000, 0xff0000, 0xff00, 0xff},
                                            {0xff, 0xff00, 0xff0000, 0xff000000},
                                            {0xff0000, 0xff00, 0xff, 0xff000000},
                                            {0xff000000, 0xff00, 0xff, 0xff0000}}};
constexpr Masks kMasks565 = {0xf800, 0x7e0, 0x1f, 0};
constexpr Masks kMasks555 = {0x7c00, 0x3e0, 0x1f, 0};
constexpr Masks kMasks24 = {0xff0000, 0xff00, 0xff, 0};

struct Header {
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool top_down = false;
  int bits = 0;
  std::uint64_t compression = kNone;
  std::uint64_t colours = 0;       ///< Entries of the palette.
  std::size_t colour_size = 4;     ///< Bytes of one.
  std::size_t palette_offset = 0;  ///< Right behind the header.
  std::size_t pixels_offset = 0;
  Masks masks = kMasks24;  ///< Of red, green, blue and alpha in a pixel of 16, 24 or 32 bits.
};

[[noreturn]] void fail(const std::string& reason, const std::string& where) {
  throw Error(ErrorCode::dataset, fmt::format("can't be decoded as BMP: {}", reason), where);
}

/// Numbers of a header whose presence was checked, or which the file must have.
std::uint64_t number(const FileNumbers& file, std::size_t offset, std::size_t size,
                     const std::string& where) {
  const auto value = file.at(offset, size);
  if (!value) fail("the file is cut short", where);
  return *value;
}

bool is_among(const Masks& masks, const auto& known) {
  return std::find(known.begin(), known.end(), masks) != known.end();
}

Masks read_masks(const FileNumbers& file, std::size_t header_size, int bits, const std::string& where) {
  Masks masks{};
  // In short headers they follow it, three of them; there, alpha has none.
  const std::size_t count = header_size >= 56 ? 4 : 3;
  for (std::size_t i = 0; i < count; ++i) {
    masks[i] = number(file, kFileHeaderSize + 40 + 4 * i, 4, where);
  }
  if (bits == 32 && masks == Masks{}) return kMasks32[5];
  if (bits != 32) masks[3] = 0;
  const bool known = bits == 32   ? is_among(masks, kMasks32)
                     : bits == 24 ? masks == kMasks24
                                  : bits == 16 && (masks == kMasks565 || masks == kMasks555);
  if (!known) {
    fail(fmt::format("bit fields {:x}, {:x}, {:x}, {:x} of {} bit pixels aren't supported", masks[0],
                     masks[1], masks[2], masks[3], bits),
         where);
  }
  return masks;
}

void check_compression(const Header& header, const std::string& where) {
  const bool fits = header.compression == kNone || header.compression == kBitFields ||
                    (header.compression == kRuns8 && header.bits == 8) ||
                    (header.compression == kRuns4 && header.bits == 4);
  if (!fits) {
    fail(fmt::format("compression {} of {} bit pixels isn't supported", header.compression, header.bits),
         where);
  }
}

Header read_header(const FileNumbers& file, const std::string& where) {
  const std::uint64_t size = number(file, kFileHeaderSize, 4, where);
  if (std::find(kHeaderSizes.begin(), kHeaderSizes.end(), size) == kHeaderSizes.end()) {
    fail(fmt::format("its header of {} bytes is of no known kind", size), where);
  }
  const auto field = [&](std::size_t offset, std::size_t bytes) {
    return number(file, kFileHeaderSize + offset, bytes, where);
  };
  Header header;
  field(size - 1, 1);  // all of the header is there
  header.palette_offset = kFileHeaderSize + size;
  const bool core = size == 12;
  header.width = static_cast<std::int64_t>(core ? field(4, 2) : field(4, 4));
  header.height = static_cast<std::int64_t>(core ? field(6, 2) : field(8, 4));
  header.bits = static_cast<int>(core ? field(10, 2) : field(14, 2));
  header.colour_size = core ? 3 : 4;
  if (!core) {
    header.top_down = field(11, 1) == 0xff;  // a negative height
    if (header.top_down) header.height = (std::int64_t{1} << 32) - header.height;
    header.compression = field(16, 4);
    header.colours = field(32, 4);
  }
  if (header.bits != 1 && header.bits != 4 && header.bits != 8 && header.bits != 16 && header.bits != 24 &&
      header.bits != 32) {
    fail(fmt::format("pixels of {} bits aren't supported", header.bits), where);
  }
  check_compression(header, where);
  if (header.bits == 16) header.masks = kMasks555;
  if (header.compression == kBitFields) {
    header.masks = read_masks(file, size, header.bits, where);
    if (size == 40) header.palette_offset += 12;
  }
  if (header.bits > 8) {
    header.colours = 0;
  } else if (header.colours == 0) {
    header.colours = std::uint64_t{1} << header.bits;
  } else if (header.colours > kMostColours) {
    fail(fmt::format("a palette of {} colours isn't supported", header.colours), where);
  }
  const std::size_t palette_end = header.palette_offset + header.colours * header.colour_size;
  header.pixels_offset = number(file, 10, 4, where);
  // Some writers forget the palette in the offset, or the offset.
  const bool forgotten = header.bits <= 8 && header.pixels_offset == kFileHeaderSize + size;
  if (header.pixels_offset == 0 || forgotten) header.pixels_offset = palette_end;
  return header;
}

/// The colours of indices. Those beyond the palette are black; but a palette that is a ramp of gray goes on.
Palette read_palette(const FileNumbers& file, const Header& header) {
  Palette palette{};
  bool ramp = header.colours > 2 && header.colours <= palette.size();
  for (std::size_t i = 0; i < std::min<std::size_t>(header.colours, palette.size()); ++i) {
    const auto colour = file.at(header.palette_offset + i * header.colour_size, 3);  // blue in the low byte
    if (colour) {
      for (std::size_t c = 0; c < 3; ++c) palette[i][c] = static_cast<std::uint8_t>(*colour >> (16 - 8 * c));
    }
    ramp = ramp && colour == i * 0x010101;
  }
  for (std::size_t i = 0; ramp && i < palette.size(); ++i) palette[i].fill(static_cast<std::uint8_t>(i));
  return palette;
}

void convert_indexed_row(const std::uint8_t* row, int width, int bits, const Palette& palette,
                         std::uint8_t* rgb) {
  const int mask = (1 << bits) - 1;
  for (int x = 0; x < width; ++x, rgb += 3) {
    const int bit = x * bits;
    const auto& colour = palette[static_cast<std::size_t>((row[bit >> 3] >> (8 - bits - (bit & 7))) & mask)];
    std::copy(colour.begin(), colour.end(), rgb);
  }
}

void convert_short_row(const std::uint8_t* row, int width, const Masks& masks, std::uint8_t* rgb) {
  const bool six_bits_of_green = masks == kMasks565;
  const int most_green = six_bits_of_green ? 63 : 31;
  for (int x = 0; x < width; ++x, row += 2, rgb += 3) {
    const int pixel = row[0] | row[1] << 8;
    rgb[0] = static_cast<std::uint8_t>((pixel >> (six_bits_of_green ? 11 : 10) & 31) * 255 / 31);
    rgb[1] = static_cast<std::uint8_t>((pixel >> 5 & most_green) * 255 / most_green);
    rgb[2] = static_cast<std::uint8_t>((pixel & 31) * 255 / 31);
  }
}

/// Pixels of three or four bytes, of which each colour is one.
void convert_bytes_row(const std::uint8_t* row, int width, int bits, const Masks& masks, std::uint8_t* rgb) {
  std::array<std::size_t, 3> at{};
  for (std::size_t c = 0; c < 3; ++c) {
    while (masks[c] >> (8 * at[c]) > 0xff) ++at[c];
  }
  for (int x = 0; x < width; ++x, row += bits / 8, rgb += 3) {
    for (std::size_t c = 0; c < 3; ++c) rgb[c] = row[at[c]];
  }
}

void read_rows(ByteView file, const Header& header, const Palette& palette, const std::string& where,
               Image& image) {
  const std::size_t row_size = (static_cast<std::size_t>(image.width) * header.bits + 7) / 8;
  const std::size_t stride = (row_size + 3) / 4 * 4;
  const std::size_t last_row = stride * static_cast<std::size_t>(image.height - 1);
  if (header.pixels_offset > file.size() || file.size() - header.pixels_offset < last_row + row_size) {
    fail("the file is cut short", where);
  }
  const auto* row = reinterpret_cast<const std::uint8_t*>(file.data()) + header.pixels_offset;
  for (int i = 0; i < image.height; ++i, row += stride) {
    const auto y = static_cast<std::size_t>(header.top_down ? i : image.height - 1 - i);
    std::uint8_t* rgb = image.pixels.data() + y * static_cast<std::size_t>(image.width) * 3;
    if (header.bits <= 8) {
      convert_indexed_row(row, image.width, header.bits, palette, rgb);
    } else if (header.bits == 16) {
      convert_short_row(row, image.width, header.masks, rgb);
    } else {
      convert_bytes_row(row, image.width, header.bits, header.masks, rgb);
    }
  }
}

Image read_runs(ByteView file, const Header& header, const Palette& palette, const std::string& where) {
  check_image_size(header.width, header.height, file.size(), 0, where);
  const auto width = static_cast<std::size_t>(header.width);
  const auto height = static_cast<std::size_t>(header.height);
  const std::vector<std::uint8_t> indices =
      decode_bmp_runs(file, header.pixels_offset, width, height, header.compression == kRuns4);
  if (indices.size() != width * height) fail("its runs don't fill the picture: the file is damaged", where);
  Image image = allocate_image(header.width, header.height, file.size(), 0, where);
  for (std::size_t i = 0; i < height; ++i) {
    const std::size_t y = header.top_down ? i : height - 1 - i;
    convert_indexed_row(indices.data() + i * width, image.width, 8, palette, &image.pixels[y * width * 3]);
  }
  return image;
}

}  // namespace

Image decode_bmp(ByteView file, const std::string& where) {
  const FileNumbers numbers{file, false};
  const Header header = read_header(numbers, where);
  const Palette palette = read_palette(numbers, header);
  if (header.compression == kRuns8 || header.compression == kRuns4) {
    return read_runs(file, header, palette, where);
  }
  Image image = allocate_image(header.width, header.height, file.size(), header.bits, where);
  read_rows(file, header, palette, where, image);
  return image;
}

}  // namespace calib8
