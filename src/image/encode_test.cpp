#include "image/encode.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "calib8/error.h"
#include "image/decode.h"

namespace calib8 {
namespace {

Image colours(int height, int width) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (const int value : {x * 5, y * 3, 255 - x * 2})
        image.pixels.push_back(static_cast<std::uint8_t>(value));
    }
  }
  return image;
}

TEST(Encode, PngKeepsEveryPixel) {
  for (const Image& image : {colours(1, 1), colours(7, 13), colours(40, 30)}) {
    const std::vector<std::byte> file = encode_png(image);
    EXPECT_EQ(format_of(file), ImageFormat::png);
    EXPECT_EQ(decode_image(file, "png"), image);
  }
}

TEST(Encode, JpegIsNear) {
  const Image image = colours(30, 40);
  const std::vector<std::byte> file = encode_jpeg(image, 90);
  EXPECT_EQ(format_of(file), ImageFormat::jpeg);
  const Image decoded = decode_image(file, "jpeg");
  ASSERT_EQ(decoded.width, 40);
  ASSERT_EQ(decoded.height, 30);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) ASSERT_NEAR(image.pixels[i], decoded.pixels[i], 16);
}

TEST(Encode, WhatTheFormatCannotHoldIsAnError) {
  const Image wide{70000, 1, std::vector<std::uint8_t>(210000)};
  EXPECT_THROW(encode_jpeg(wide, 90), Error);
  EXPECT_EQ(decode_image(encode_png(wide), "wide"), wide);
}

}  // namespace
}  // namespace calib8
