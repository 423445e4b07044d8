#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calib8/error.h"
#include "image/preprocess.h"
#include "image/test_images.h"

namespace calib8 {
namespace {

TEST(FitImage, ALineThatWouldBecomeHugeIsRefused) {
  const Image line{1, 8000, test::random_bytes(3 * 8000, 1)};
  Preprocessing p;
  p.resize_mode = ResizeMode::shortest_side;
  p.resize_height = 256;
  try {
    fit_image(line, p);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::dataset);
    EXPECT_THAT(error.message(), testing::HasSubstr("is so oblong (1x8000)"));
  }
}

TEST(FitImage, LetterboxPadsTheOddPixelAtTheEnd) {
  const Image image{2, 2, std::vector<std::uint8_t>(12, 7)};
  Preprocessing p{.height = 2, .width = 5};
  p.resize_mode = ResizeMode::letterbox;
  const Image fitted = fit_image(image, p);
  EXPECT_EQ(fitted.pixels[0], 114);
  EXPECT_EQ(fitted.pixels[3], 7);
  EXPECT_EQ(fitted.pixels[6], 7);
  EXPECT_EQ(fitted.pixels[9], 114);
}

TEST(FitImage, GrayPicturesStayAsTheyAre) {
  Image image{256, 1, {}};
  for (int value = 0; value < 256; ++value)
    image.pixels.insert(image.pixels.end(), 3, static_cast<std::uint8_t>(value));
  Preprocessing p{.height = 1, .width = 256, .mean = {0}, .deviation = {1}};
  p.channel_order = ChannelOrder::gray;
  EXPECT_EQ(fit_image(image, p), image);
  EXPECT_EQ(preprocess(image, p).shape, (Shape{1, 1, 256, 1}));
}

}  // namespace
}  // namespace calib8
