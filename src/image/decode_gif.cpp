#include <fmt/format.h>
#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "calib8/error.h"
#include "image/decode_formats.h"

namespace calib8 {
namespace {

/// A picture of one colour takes hardly any bytes: codes of up to 12 bits stand for up to 4096 pixels.
constexpr double kLeastBitsPerPixel = 12.0 / 4096;

struct Input {
  ByteView left;
};

int read_bytes(GifFileType* file, GifByteType* to, int count) {
  ByteView& left = static_cast<Input*>(file->UserData)->left;
  const std::size_t taken = std::min(left.size(), static_cast<std::size_t>(std::max(count, 0)));
  std::memcpy(to, left.data(), taken);
  left = left.subspan(taken);
  return static_cast<int>(taken);
}

struct CloseGif {
  void operator()(GifFileType* file) const { DGifCloseFile(file, nullptr); }
};

[[noreturn]] void fail(int error, const std::string& where) {
  const char* reason = GifErrorString(error);
  throw Error(ErrorCode::dataset,
              fmt::format("can't be decoded as GIF: {}", reason ? reason : "the file is damaged"), where);
}

void check(int status, const GifFileType& file, const std::string& where) {
  if (status != GIF_OK) fail(file.Error, where);
}

/// Goes to the first picture. Returns the index that is transparent there.
std::optional<int> find_picture(GifFileType* file, const std::string& where) {
  std::optional<int> transparent;
  for (GifRecordType record{}; record != IMAGE_DESC_RECORD_TYPE;) {
    check(DGifGetRecordType(file, &record), *file, where);
    if (record == TERMINATE_RECORD_TYPE)
      throw Error(ErrorCode::dataset, "can't be decoded as GIF: it has no picture", where);
    if (record != EXTENSION_RECORD_TYPE) continue;
    int code = 0;
    GifByteType* block = nullptr;
    check(DGifGetExtension(file, &code, &block), *file, where);
    if (block && code == GRAPHICS_EXT_FUNC_CODE) {
      GraphicsControlBlock control{};
      if (DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK &&
          control.TransparentColor != NO_TRANSPARENT_COLOR)
        transparent = control.TransparentColor;
    }
    while (block) check(DGifGetExtensionNext(file, &block), *file, where);
  }
  check(DGifGetImageDesc(file), *file, where);
  return transparent;
}

/// The rows of a picture in the order in which the file has them.
std::vector<int> row_order(int height, bool interlaced) {
  std::vector<int> rows;
  constexpr int first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
  for (int pass = 0; pass < (interlaced ? 4 : 1); ++pass) {
    for (int y = interlaced ? first[pass] : 0; y < height; y += interlaced ? step[pass] : 1)
      rows.push_back(y);
  }
  return rows;
}

/// The colour of an index; without a palette a level of gray, and black beyond a palette, as in Pillow.
void put(const ColorMapObject* palette, int index, std::uint8_t* rgb) {
  if (!palette) {
    rgb[0] = rgb[1] = rgb[2] = static_cast<std::uint8_t>(index);
  } else if (index < palette->ColorCount) {
    const GifColorType& colour = palette->Colors[index];
    rgb[0] = colour.Red;
    rgb[1] = colour.Green;
    rgb[2] = colour.Blue;
  }
}

}  // namespace

Image decode_gif(ByteView bytes, const std::string& where) {
  Input input{bytes};
  int error = 0;
  const std::unique_ptr<GifFileType, CloseGif> file(DGifOpen(&input, read_bytes, &error));
  if (!file) fail(error, where);
  check_image_size(std::max<GifWord>(file->SWidth, 1), std::max<GifWord>(file->SHeight, 1), bytes.size(),
                   kLeastBitsPerPixel, where);
  const std::optional<int> transparent = find_picture(file.get(), where);
  const GifImageDesc& frame = file->Image;
  if (frame.Width < 1 || frame.Height < 1)
    throw Error(ErrorCode::dataset, "can't be decoded as GIF: the first picture is empty", where);
  const std::int64_t width = std::max<std::int64_t>(file->SWidth, std::int64_t{frame.Left} + frame.Width);
  const std::int64_t height = std::max<std::int64_t>(file->SHeight, std::int64_t{frame.Top} + frame.Height);
  Image image = allocate_image(width, height, bytes.size(), kLeastBitsPerPixel, where);
  const ColorMapObject* palette = frame.ColorMap ? frame.ColorMap : file->SColorMap;
  const bool covers = frame.Width == image.width && frame.Height == image.height;
  // What the first picture leaves free is transparent, and without transparency the first colour.
  for (std::size_t i = 0; !covers && i < image.pixels.size(); i += 3)
    put(palette, transparent.value_or(0), image.pixels.data() + i);
  std::vector<GifPixelType> row(static_cast<std::size_t>(frame.Width));
  for (const int y : row_order(frame.Height, frame.Interlace)) {
    check(DGifGetLine(file.get(), row.data(), frame.Width), *file, where);
    std::uint8_t* rgb = image.pixels.data() +
                        (static_cast<std::size_t>(frame.Top + y) * static_cast<std::size_t>(image.width) +
                         static_cast<std::size_t>(frame.Left)) *
                            3;
    for (const GifPixelType index : row) {
      rgb[0] = rgb[1] = rgb[2] = 0;
      put(palette, index, rgb);
      rgb += 3;
    }
  }
  return image;
}

}  // namespace calib8
