#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "calib8/error.h"
#include "image/decode.h"
#include "image/preprocess.h"
#include "image/resize_opencv.h"

namespace calib8 {
namespace {

/// Of a picture, in pixels.
struct Size {
  std::int64_t height;
  std::int64_t width;
};

/// To the nearest integer, halves to the even one, as Python's round().
std::int64_t round_even(double value) {
  return std::llrint(value);
}

/// ITU-R 601-2 luma in 16 bit fixed point, as Pillow's convert("L"), in all three channels. A gray picture
/// stays as it is: the weights add up to one.
void make_gray(Image& gray) {
  for (std::size_t i = 0; i < gray.pixels.size(); i += 3) {
    const std::uint32_t luma =
        gray.pixels[i] * 19595u + gray.pixels[i + 1] * 38470u + gray.pixels[i + 2] * 7471u + 0x8000u;
    std::fill_n(gray.pixels.begin() + static_cast<std::ptrdiff_t>(i), 3,
                static_cast<std::uint8_t>(luma >> 16));
  }
}

/// torchvision's rule for Resize(size): the other side is rounded down.
Size shortest_side(const Size& image, std::int64_t size) {
  if (image.width <= image.height) return {size * image.height / image.width, size};
  return {size, size * image.width / image.height};
}

/// timm's ResizeKeepRatio: the ratio of the side that needs less shrinking.
Size cover(const Size& image, const Size& size) {
  const double ratio = std::min(static_cast<double>(image.height) / static_cast<double>(size.height),
                                static_cast<double>(image.width) / static_cast<double>(size.width));
  return {round_even(static_cast<double>(image.height) / ratio),
          round_even(static_cast<double>(image.width) / ratio)};
}

/// Ultralytics' LetterBox with scaleup. Its formula may round a side of a very oblong picture to nothing,
/// which no resize can do: one pixel is kept.
Size letterboxed(const Size& image, const Preprocessing& p) {
  const double ratio = std::min(static_cast<double>(p.height) / static_cast<double>(image.height),
                                static_cast<double>(p.width) / static_cast<double>(image.width));
  return {std::max<std::int64_t>(1, round_even(static_cast<double>(image.height) * ratio)),
          std::max<std::int64_t>(1, round_even(static_cast<double>(image.width) * ratio))};
}

Size size_before_crop(const Size& image, const Preprocessing& p) {
  const Size size{p.resize_height > 0 ? p.resize_height : p.height,
                  p.resize_width > 0 ? p.resize_width : p.width};
  switch (p.resize_mode) {
    case ResizeMode::exact:
      return size;
    case ResizeMode::shortest_side:
      return shortest_side(image, p.resize_height > 0 ? p.resize_height : std::min(p.height, p.width));
    case ResizeMode::cover:
      return cover(image, size);
    case ResizeMode::letterbox:
      return letterboxed(image, p);
  }
  throw Error(ErrorCode::internal, "not a ResizeMode");
}

/// `image` within height x width pixels of `value`, its corner at (top, left).
Image place(const Image& image, int height, int width, std::int64_t top, std::int64_t left,
            std::uint8_t value) {
  Image result{width, height, {}};
  result.pixels.assign(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3, value);
  const std::int64_t row_size = 3 * std::int64_t{image.width};
  for (std::int64_t y = 0; y < image.height; ++y) {
    std::copy_n(image.pixels.data() + y * row_size, row_size,
                result.pixels.data() + 3 * ((top + y) * width + left));
  }
  return result;
}

/// torchvision's CenterCrop: a picture that is too small is first padded with black, the odd pixel at the
/// end, and what is too large is cut at half the difference, halves to the even pixel.
std::int64_t center_offset(std::int64_t size, std::int64_t wanted) {
  if (size < wanted) return (wanted - size) / 2;
  return -round_even(static_cast<double>(size - wanted) / 2.0);
}

/// Ultralytics' rounding of half a difference: the odd pixel goes to the end.
std::int64_t letterbox_offset(std::int64_t size, std::int64_t wanted) {
  return round_even(static_cast<double>(wanted - size) / 2.0 - 0.1);
}

/// What stays of the resized picture.
Region kept_region(const Placement& placement, const Preprocessing& p) {
  const std::int64_t top = std::max<std::int64_t>(0, -placement.top);
  const std::int64_t left = std::max<std::int64_t>(0, -placement.left);
  return {static_cast<int>(top), static_cast<int>(left),
          static_cast<int>(std::min<std::int64_t>(placement.height - top, p.height)),
          static_cast<int>(std::min<std::int64_t>(placement.width - left, p.width))};
}

Image resize_by(const Image& image, const Placement& placement, const Preprocessing& p) {
  const int height = static_cast<int>(placement.height), width = static_cast<int>(placement.width);
  const Region kept = kept_region(placement, p);
  return p.library == ResizeLibrary::opencv
             ? resize_part_as_opencv(image, height, width, kept, p.interpolation)
             : resize_part(image, height, width, kept, p.interpolation);
}

/// `fit_image` behind the change to gray.
Image fit(const Image& image, const Preprocessing& p) {
  const Placement placement = placement_of(image.height, image.width, p);
  Image resized = resize_by(image, placement, p);
  if (resized.height == p.height && resized.width == p.width) return resized;
  const bool pads = p.resize_mode == ResizeMode::letterbox;
  return place(resized, p.height, p.width, std::max<std::int64_t>(0, placement.top),
               std::max<std::int64_t>(0, placement.left),
               pads ? static_cast<std::uint8_t>(p.pad_value) : std::uint8_t{0});
}

}  // namespace

Placement placement_of(int height, int width, const Preprocessing& p) {
  const Size size = size_before_crop({height, width}, p);
  if (size.height * size.width > kMaximumPixels) {
    throw Error(ErrorCode::dataset,
                fmt::format("is so oblong ({}x{}) that it would be resized to {}x{} before the crop", width,
                            height, size.width, size.height));
  }
  const auto offset = p.resize_mode == ResizeMode::letterbox ? letterbox_offset : center_offset;
  return {size.height, size.width, offset(size.height, p.height), offset(size.width, p.width)};
}

Image fit_image(Image&& image, const Preprocessing& p) {
  if (p.channel_order == ChannelOrder::gray) make_gray(image);
  return fit(image, p);
}

Image fit_image(const Image& image, const Preprocessing& p) {
  return p.channel_order == ChannelOrder::gray ? fit_image(Image(image), p) : fit(image, p);
}

}  // namespace calib8
