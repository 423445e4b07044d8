#include "image/tiff_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "calib8/error.h"
#include "image/tiff_directory.h"

namespace calib8 {
namespace {

using Colour = TiffLayout::Colour;

constexpr int kMostSamples = 6;

[[noreturn]] void refuse(const std::string& kind, const std::string& where) {
  throw Error(ErrorCode::dataset, fmt::format("is a TIFF of {}, which isn't read: convert it to PNG", kind),
              where);
}

void check_compression(std::uint16_t compression, const std::string& where) {
  constexpr std::array<std::uint16_t, 11> kRead = {
      COMPRESSION_NONE,          COMPRESSION_CCITTRLE, COMPRESSION_CCITTFAX3, COMPRESSION_CCITTFAX4,
      COMPRESSION_LZW,           COMPRESSION_JPEG,     COMPRESSION_PACKBITS,  COMPRESSION_DEFLATE,
      COMPRESSION_ADOBE_DEFLATE, COMPRESSION_LZMA,     COMPRESSION_ZSTD};
  if (compression == COMPRESSION_OJPEG) refuse("old-style JPEG compression", where);
  if (std::find(kRead.begin(), kRead.end(), compression) == kRead.end()) {
    refuse(fmt::format("compression {}", compression), where);
  }
  if (TIFFIsCODECConfigured(compression) == 0) {
    refuse(fmt::format("compression {}, which this libtiff lacks", compression), where);
  }
}

Colour colour_of(std::uint16_t photometric, const std::string& where) {
  switch (photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
      return Colour::gray;
    case PHOTOMETRIC_PALETTE:
      return Colour::palette;
    case PHOTOMETRIC_RGB:
    case PHOTOMETRIC_YCBCR:
      return Colour::rgb;
    case PHOTOMETRIC_SEPARATED:
      return Colour::cmyk;
    case PHOTOMETRIC_CIELAB:
    case PHOTOMETRIC_ICCLAB:
    case PHOTOMETRIC_ITULAB:
      refuse("L*a*b* colour", where);
    default:
      refuse(fmt::format("photometric interpretation {}", photometric), where);
  }
}

int samples_of_colour(Colour colour) {
  return colour == Colour::rgb ? 3 : colour == Colour::cmyk ? 4 : 1;
}

void check_samples(const TiffFile& file, const TiffLayout& layout, const std::string& where) {
  const std::uint16_t format = file.short_tag(TIFFTAG_SAMPLEFORMAT);
  const bool one_bit_sample = layout.colour == Colour::gray || layout.colour == Colour::palette;
  if (format == SAMPLEFORMAT_IEEEFP) refuse(fmt::format("{} bit float samples", layout.bits), where);
  const bool signed_bytes = format == SAMPLEFORMAT_INT && layout.bits == 8 && layout.colour == Colour::gray;
  if (format == SAMPLEFORMAT_INT && !signed_bytes) {
    refuse(fmt::format("{} bit signed samples", layout.bits), where);
  }
  if (format != SAMPLEFORMAT_UINT && !signed_bytes) refuse(fmt::format("sample format {}", format), where);
  const bool few_bits = layout.bits == 1 || layout.bits == 2 || layout.bits == 4;
  const bool fits = layout.bits == 8 || (few_bits && one_bit_sample && layout.samples == 1) ||
                    (layout.bits == 16 && layout.colour != Colour::palette);
  if (!fits) refuse(fmt::format("{} samples of {} bits", layout.samples, layout.bits), where);
  const int colours = samples_of_colour(layout.colour);
  const int most = layout.colour == Colour::rgb || layout.colour == Colour::cmyk ? kMostSamples : 2;
  if (layout.samples < colours || layout.samples > most) {
    refuse(fmt::format("{} samples a pixel", layout.samples), where);
  }
}

/// Colours that were multiplied by an alpha are known by the first sample behind them.
void read_alpha(const TiffFile& file, const std::string& where, TiffLayout& layout) {
  std::uint16_t count = 0;
  const std::uint16_t* kinds = nullptr;
  TIFFGetFieldDefaulted(file.get(), TIFFTAG_EXTRASAMPLES, &count, &kinds);
  if (count == 0 || kinds == nullptr || kinds[0] != EXTRASAMPLE_ASSOCALPHA) return;
  if (layout.colour != Colour::rgb) refuse("premultiplied gray, palette or CMYK", where);
  layout.premultiplied = layout.samples > 3;
}

void read_palette(const TiffFile& file, TiffLayout& layout) {
  std::uint16_t* channels[3] = {};
  if (TIFFGetField(file.get(), TIFFTAG_COLORMAP, &channels[0], &channels[1], &channels[2]) != 1) {
    file.fail("its palette is missing");
  }
  for (std::size_t i = 0; i < std::size_t{1} << layout.bits; ++i) {
    for (std::size_t c = 0; c < 3; ++c) layout.colours[i][c] = static_cast<std::uint8_t>(channels[c][i] >> 8);
  }
}

/// Signed bytes too count from 0 as they stand there: Pillow takes them so.
void set_gray_levels(bool zero_is_white, TiffLayout& layout) {
  const int most = (1 << layout.bits) - 1;
  for (int i = 0; i <= most; ++i) {
    const int level = i * 255 / most;
    layout.colours[static_cast<std::size_t>(i)].fill(
        static_cast<std::uint8_t>(zero_is_white ? 255 - level : level));
  }
}

void set_up_ycbcr(const TiffFile& file, const std::string& where, TiffLayout& layout) {
  if (layout.samples != 3 || layout.bits != 8) refuse("YCbCr that isn't 3 samples of 8 bits", where);
  if (layout.compression == COMPRESSION_NONE) refuse("uncompressed YCbCr", where);
  if (layout.compression == COMPRESSION_JPEG && !layout.planar) {
    TIFFSetField(file.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  } else {
    layout.subsampled = true;
  }
}

}  // namespace

TiffLayout read_tiff_layout(const TiffFile& file, const std::string& where) {
  TiffLayout layout;
  if (TIFFGetField(file.get(), TIFFTAG_IMAGEWIDTH, &layout.width) != 1 ||
      TIFFGetField(file.get(), TIFFTAG_IMAGELENGTH, &layout.height) != 1) {
    file.fail("its size is missing");
  }
  layout.compression = file.short_tag(TIFFTAG_COMPRESSION);
  check_compression(layout.compression, where);
  const std::uint16_t photometric = file.short_tag(TIFFTAG_PHOTOMETRIC);
  // libtiff makes gray of a palette image whose palette it can't read.
  const bool has_palette = find_tiff_number(file.bytes(), TIFFTAG_PHOTOMETRIC) == PHOTOMETRIC_PALETTE;
  if (has_palette && photometric != PHOTOMETRIC_PALETTE) file.fail("its palette is missing or damaged");
  layout.colour = colour_of(photometric, where);
  layout.bits = file.short_tag(TIFFTAG_BITSPERSAMPLE);
  layout.samples = file.short_tag(TIFFTAG_SAMPLESPERPIXEL);
  layout.planar = file.short_tag(TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE && layout.samples > 1;
  check_samples(file, layout, where);
  read_alpha(file, where, layout);
  if (photometric == PHOTOMETRIC_MINISWHITE && layout.bits == 16 && TIFFIsBigEndian(file.get()) != 0) {
    refuse("big-endian 16 bit gray whose zero is white", where);
  }
  if (photometric == PHOTOMETRIC_YCBCR) set_up_ycbcr(file, where, layout);
  if (layout.colour == Colour::palette) read_palette(file, layout);
  if (layout.colour == Colour::gray && layout.bits <= 8) {
    set_gray_levels(photometric == PHOTOMETRIC_MINISWHITE, layout);
  }
  return layout;
}

double least_bits_per_pixel(const TiffLayout& layout) {
  const double bits = layout.bits * layout.samples;
  switch (layout.compression) {
    case COMPRESSION_NONE:
      return bits;
    case COMPRESSION_PACKBITS:
      return bits / 64;
    case COMPRESSION_DEFLATE:
    case COMPRESSION_ADOBE_DEFLATE:
      return bits / 1032;
    case COMPRESSION_LZW:  // a code of 12 bits for at most 4096 bytes
      return bits / 2731;
    case COMPRESSION_JPEG:
      return 1.0 / 64 / 4;
    default:
      return 0;
  }
}

}  // namespace calib8
