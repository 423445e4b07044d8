#include <tiffio.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "image/decode_formats.h"
#include "image/decode_orientation.h"
#include "image/tiff_file.h"
#include "image/tiff_layout.h"

namespace calib8 {
namespace {

using Colour = TiffLayout::Colour;

/// A tile of more bytes is refused: the format's own advice is 8 KB.
constexpr std::uint64_t kMostTileBytes = std::uint64_t{1} << 26;

/// Likewise rows of YCbCr that have to be converted together.
constexpr std::uint64_t kMostBlockBytes = std::uint64_t{1} << 28;

/// Turns rows of samples into pixels of the picture.
class PixelWriter {
 public:
  PixelWriter(const TiffLayout& layout, Image& image) : layout_(layout), image_(image) {
    const bool needs_fourth_plane = layout.planar && (layout.premultiplied || layout.colour == Colour::cmyk);
    if (needs_fourth_plane) fourth_plane_.resize(image.pixels.size() / 3);
  }

  /// Planes that have a part in the colours.
  int plane_count() const {
    if (!layout_.planar) return 1;
    if (!fourth_plane_.empty()) return 4;
    return layout_.colour == Colour::rgb ? 3 : 1;
  }

  /// `count` pixels, or samples of one plane, that belong at column x of row y.
  void write(const std::uint8_t* row, std::size_t x, std::size_t y, std::size_t count, int plane) {
    const std::size_t pixel = y * static_cast<std::size_t>(image_.width) + x;
    std::uint8_t* rgb = image_.pixels.data() + pixel * 3;
    if (layout_.colour == Colour::gray && layout_.bits == 16) return write_deep_gray(row, count, rgb);
    if (layout_.colour == Colour::gray || layout_.colour == Colour::palette) {
      return write_indexed(row, count, rgb);
    }
    if (!layout_.planar) return write_colours(row, count, rgb);
    std::uint8_t* to = plane == 3 ? fourth_plane_.data() + pixel : rgb + plane;
    const std::size_t step = plane == 3 ? 1 : 3;
    for (std::size_t i = 0; i < count; ++i) to[i * step] = sample(row, i);
  }

  /// Colours that need all planes.
  void finish() {
    for (std::size_t i = 0; i < fourth_plane_.size(); ++i) {
      std::uint8_t* rgb = image_.pixels.data() + 3 * i;
      combine(rgb[0], rgb[1], rgb[2], fourth_plane_[i], rgb);
    }
  }

 private:
  /// Sample i of a row, of 8 bits or the high byte of 16 (which libtiff gives in the machine's order).
  std::uint8_t sample(const std::uint8_t* row, std::size_t i) const {
    return layout_.bits == 8 ? row[i] : static_cast<std::uint8_t>(deep_sample(row, i) >> 8);
  }

  static unsigned deep_sample(const std::uint8_t* row, std::size_t i) {
    std::uint16_t value;
    std::memcpy(&value, row + 2 * i, sizeof value);
    return value;
  }

  void write_deep_gray(const std::uint8_t* row, std::size_t count, std::uint8_t* rgb) const {
    const auto step = static_cast<std::size_t>(layout_.samples_in_plane());
    for (std::size_t i = 0; i < count; ++i, rgb += 3) {
      rgb[0] = rgb[1] = rgb[2] = clip_deep_gray(deep_sample(row, i * step), image_);
    }
  }

  void write_indexed(const std::uint8_t* row, std::size_t count, std::uint8_t* rgb) const {
    const auto bits = static_cast<std::size_t>(layout_.bits);
    const auto step = bits * static_cast<std::size_t>(layout_.samples_in_plane());
    const unsigned mask = (1U << bits) - 1;
    for (std::size_t i = 0; i < count; ++i, rgb += 3) {
      const std::size_t bit = i * step;
      const auto& colour =
          layout_.colours[(static_cast<unsigned>(row[bit / 8]) >> (8 - bits - bit % 8)) & mask];
      std::copy(colour.begin(), colour.end(), rgb);
    }
  }

  void write_colours(const std::uint8_t* row, std::size_t count, std::uint8_t* rgb) const {
    const auto samples = static_cast<std::size_t>(layout_.samples);
    const bool combines = layout_.premultiplied || layout_.colour == Colour::cmyk;
    for (std::size_t i = 0; i < count * samples; i += samples, rgb += 3) {
      if (combines) {
        combine(sample(row, i), sample(row, i + 1), sample(row, i + 2), sample(row, i + 3), rgb);
      } else {
        for (std::size_t c = 0; c < 3; ++c) rgb[c] = sample(row, i + c);
      }
    }
  }

  /// CMYK, or red, green and blue with the alpha that they were multiplied by.
  void combine(int first, int second, int third, int fourth, std::uint8_t* rgb) const {
    if (layout_.colour == Colour::cmyk) return cmyk_to_rgb(first, second, third, fourth, rgb);
    const int colours[3] = {first, second, third};
    for (int c = 0; c < 3; ++c) {
      rgb[c] = static_cast<std::uint8_t>(fourth == 0 ? 0 : std::min(255, colours[c] * 255 / fourth));
    }
  }

  const TiffLayout& layout_;
  Image& image_;
  std::vector<std::uint8_t> fourth_plane_;
};

/// Bytes of `width` pixels, or samples of one plane.
std::uint64_t row_size(const TiffLayout& layout, std::uint64_t width) {
  return (width * static_cast<std::uint64_t>(layout.bits * layout.samples_in_plane()) + 7) / 8;
}

void read_strips(const TiffFile& file, const TiffLayout& layout, PixelWriter& writer) {
  const std::uint64_t size = row_size(layout, layout.width);
  if (TIFFScanlineSize64(file.get()) != size) file.fail("its rows have another size than its tags say");
  std::vector<std::uint8_t> row(size);
  for (int plane = 0; plane < writer.plane_count(); ++plane) {
    for (std::uint32_t y = 0; y < layout.height; ++y) {
      const int status = TIFFReadScanline(file.get(), row.data(), y, static_cast<std::uint16_t>(plane));
      if (status != 1) file.fail("the data is damaged");
      file.check();
      writer.write(row.data(), 0, y, layout.width, plane);
    }
  }
}

void read_tiles(const TiffFile& file, const TiffLayout& layout, PixelWriter& writer) {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  TIFFGetField(file.get(), TIFFTAG_TILEWIDTH, &width);
  TIFFGetField(file.get(), TIFFTAG_TILELENGTH, &height);
  const std::uint64_t stride = row_size(layout, width);
  const std::uint64_t size = TIFFTileSize64(file.get());
  if (width == 0 || height == 0 || stride > kMostTileBytes || stride * height > kMostTileBytes) {
    file.fail("its tiles are too large");
  }
  if (TIFFTileRowSize64(file.get()) != stride || size != stride * height) {
    file.fail("its tiles have another size than its tags say");
  }
  std::vector<std::uint8_t> tile(size);
  for (int plane = 0; plane < writer.plane_count(); ++plane) {
    for (std::uint32_t y = 0; y < layout.height; y += std::min(height, layout.height - y)) {
      for (std::uint32_t x = 0; x < layout.width; x += std::min(width, layout.width - x)) {
        const auto sample = static_cast<std::uint16_t>(plane);
        if (TIFFReadTile(file.get(), tile.data(), x, y, 0, sample) < 0) file.fail("the data is damaged");
        file.check();
        for (std::uint32_t row = 0; row < std::min(height, layout.height - y); ++row) {
          writer.write(tile.data() + row * stride, x, y + row, std::min(width, layout.width - x), plane);
        }
      }
    }
  }
}

/// Lets libtiff turn YCbCr into RGB, some rows at a time, as Pillow does: so many as stand together in the
/// file.
void read_ycbcr(const TiffFile& file, const TiffLayout& layout, Image& image) {
  struct Conversion {
    TIFFRGBAImage state{};
    bool begun = false;
    ~Conversion() {
      if (begun) TIFFRGBAImageEnd(&state);
    }
  } conversion;
  char reason[1024] = "";
  conversion.begun = TIFFRGBAImageOK(file.get(), reason) == 1 &&
                     TIFFRGBAImageBegin(&conversion.state, file.get(), 1, reason) == 1;
  if (!conversion.begun) file.fail("its YCbCr is of a kind that libtiff doesn't convert");
  TIFFRGBAImage& state = conversion.state;
  state.orientation = state.req_orientation = ORIENTATION_TOPLEFT;
  std::uint32_t rows = layout.height;
  TIFFGetFieldDefaulted(file.get(), TIFFIsTiled(file.get()) != 0 ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP,
                        &rows);
  rows = std::clamp<std::uint32_t>(rows, 1, layout.height);
  if (std::uint64_t{layout.width} * rows * sizeof(std::uint32_t) > kMostBlockBytes)
    file.fail("its strips are too large");
  std::vector<std::uint32_t> block(std::size_t{layout.width} * rows);
  std::uint8_t* rgb = image.pixels.data();
  for (std::uint32_t y = 0; y < layout.height; y += rows) {
    const std::uint32_t count = std::min(rows, layout.height - y);
    state.row_offset = static_cast<int>(y);
    if (TIFFRGBAImageGet(&state, block.data(), layout.width, count) != 1) file.fail("the data is damaged");
    file.check();
    for (std::size_t i = 0; i < std::size_t{layout.width} * count; ++i, rgb += 3) {
      rgb[0] = static_cast<std::uint8_t>(TIFFGetR(block[i]));
      rgb[1] = static_cast<std::uint8_t>(TIFFGetG(block[i]));
      rgb[2] = static_cast<std::uint8_t>(TIFFGetB(block[i]));
    }
  }
}

int orientation_of(const TiffFile& file) {
  std::uint16_t orientation = 0;
  if (TIFFGetField(file.get(), TIFFTAG_ORIENTATION, &orientation) == 1) return orientation;
  std::uint32_t size = 0;
  const void* xmp = nullptr;
  if (TIFFGetField(file.get(), TIFFTAG_XMLPACKET, &size, &xmp) != 1 || xmp == nullptr) return 1;
  return find_xmp_orientation({static_cast<const std::byte*>(xmp), size}).value_or(1);
}

}  // namespace

Image decode_tiff(ByteView bytes, const std::string& where) {
  const TiffFile file(bytes, where);
  const TiffLayout layout = read_tiff_layout(file, where);
  Image image =
      allocate_image(layout.width, layout.height, bytes.size(), least_bits_per_pixel(layout), where);
  if (layout.subsampled) {
    read_ycbcr(file, layout, image);
  } else {
    PixelWriter writer(layout, image);
    TIFFIsTiled(file.get()) != 0 ? read_tiles(file, layout, writer) : read_strips(file, layout, writer);
    writer.finish();
  }
  return turn_upright(std::move(image), orientation_of(file));
}

}  // namespace calib8
