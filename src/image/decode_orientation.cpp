#include "image/decode_orientation.h"

#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "image/file_numbers.h"
#include "image/tiff_directory.h"

namespace calib8 {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::uint64_t kOrientationTag = 274;

std::string_view text_of(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Both kinds of metadata that carry an orientation.
struct Metadata {
  std::vector<std::byte> exif;
  ByteView xmp;

  int orientation() const {
    const auto found = find_exif_orientation(exif);
    return found ? *found : find_xmp_orientation(xmp).value_or(1);
  }
};

void take_application_segment(ByteView segment, Metadata& metadata) {
  constexpr auto kExif = "Exif\0\0"sv;
  constexpr auto kXmp = "http://ns.adobe.com/xap/1.0/\0"sv;
  if (text_of(segment).starts_with(kExif)) {
    // A block of more than 64 KiB stands in several segments.
    segment = segment.subspan(kExif.size());
    metadata.exif.insert(metadata.exif.end(), segment.begin(), segment.end());
  } else if (text_of(segment).starts_with(kXmp)) {
    metadata.xmp = segment.subspan(kXmp.size());
  }
}

}  // namespace

std::optional<int> find_exif_orientation(ByteView exif) {
  while (text_of(exif).starts_with("Exif\0\0"sv)) exif = exif.subspan(6);
  const auto value = find_tiff_number(exif, kOrientationTag);
  if (!value) return std::nullopt;
  return *value <= 8 ? static_cast<int>(*value) : 0;
}

std::optional<int> find_xmp_orientation(ByteView xmp) {
  constexpr auto kName = "tiff:Orientation"sv;
  const std::string_view text = text_of(xmp);
  for (std::size_t at = text.find(kName); at != text.npos; at = text.find(kName, at + 1)) {
    std::string_view rest = text.substr(at + kName.size());
    if (rest.starts_with("=\"")) {
      rest.remove_prefix(2);
    } else if (rest.starts_with(">")) {
      rest.remove_prefix(1);
    } else {
      continue;
    }
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') return rest[0] - '0';
  }
  return std::nullopt;
}

int orientation_of_jpeg(ByteView file) {
  const FileNumbers numbers{file, true};
  Metadata metadata;
  std::size_t at = 2;
  while (at + 4 <= file.size()) {
    if (file[at] != std::byte{0xff} || file[at + 1] == std::byte{0xff} || file[at + 1] == std::byte{0}) {
      ++at;  // filling or junk between segments
      continue;
    }
    const auto marker = std::to_integer<int>(file[at + 1]);
    if (marker == 0xda || marker == 0xd9) break;  // the first scan, or the end
    if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2;  // these have no length
      continue;
    }
    const std::size_t length = *numbers.at(at + 2, 2);
    if (length < 2 || length > file.size() - at - 2) break;
    if (marker == 0xe1) take_application_segment(file.subspan(at + 4, length - 2), metadata);
    at += 2 + length;
  }
  return metadata.orientation();
}

int orientation_of_webp(ByteView file) {
  const FileNumbers numbers{file, false};
  Metadata metadata;
  std::size_t at = 12;
  while (const auto size = numbers.at(at + 4, 4)) {
    const std::size_t data = at + 8;
    if (*size > file.size() - data) break;
    const std::string_view name = text_of(file.subspan(at, 4));
    const ByteView chunk = file.subspan(data, *size);
    if (name == "EXIF" && metadata.exif.empty()) metadata.exif.assign(chunk.begin(), chunk.end());
    if (name == "XMP " && metadata.xmp.empty()) metadata.xmp = chunk;
    at = data + *size + *size % 2;
  }
  return metadata.orientation();
}

Image turn_upright(Image image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  const std::ptrdiff_t width = image.width;
  const std::ptrdiff_t height = image.height;
  const bool sides_swap = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image turned{
      sides_swap ? image.height : image.width, sides_swap ? image.width : image.height, {}, image.clipped};
  turned.pixels.resize(image.pixels.size());
  // The turned picture in its own order is the old one from some corner on, along its rows or its columns.
  const std::ptrdiff_t along_x = from_right ? -3 : 3;
  const std::ptrdiff_t along_y = from_bottom ? -3 * width : 3 * width;
  const std::ptrdiff_t step = sides_swap ? along_y : along_x;
  const std::ptrdiff_t row_step = sides_swap ? along_x : along_y;
  const std::ptrdiff_t corner = (from_right ? width - 1 : 0) * 3 + (from_bottom ? height - 1 : 0) * 3 * width;
  std::uint8_t* to = turned.pixels.data();
  for (std::ptrdiff_t y = 0; y < turned.height; ++y) {
    std::ptrdiff_t from = corner + y * row_step;
    for (std::ptrdiff_t x = 0; x < turned.width; ++x, from += step, to += 3) {
      std::memcpy(to, image.pixels.data() + from, 3);
    }
  }
  return turned;
}

}  // namespace calib8
