#include "image/place_box.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace calib8 {
namespace {

/// The columns and rows of a picture that are white.
struct Area {
  int left, top, right, bottom;
};

/// White where the box is, black elsewhere: what fit_image makes of it is the oracle for the box.
Image painted(int height, int width, const Area& area) {
  Image image{width, height, {}};
  image.pixels.assign(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3, 0);
  for (int y = area.top; y < area.bottom; ++y) {
    for (int x = area.left; x < area.right; ++x)
      std::fill_n(image.pixels.begin() + 3 * (y * width + x), 3, std::uint8_t{255});
  }
  return image;
}

Area white_area(const Image& image) {
  Area area{image.width, image.height, 0, 0};
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      if (image.pixels[static_cast<std::size_t>(3 * (y * image.width + x))] < 180) continue;
      area = {std::min(area.left, x), std::min(area.top, y), std::max(area.right, x + 1),
              std::max(area.bottom, y + 1)};
    }
  }
  return area;
}

void expect_follows_the_pixels(const Preprocessing& p, int height, int width, const Area& area) {
  const auto share = [](double pixel, int side) { return static_cast<float>(pixel / side); };
  const Box box{3, share((area.left + area.right) / 2.0, width),
                share((area.top + area.bottom) / 2.0, height), share(area.right - area.left, width),
                share(area.bottom - area.top, height)};
  const auto placed = place_box(box, height, width, p);
  const Area seen = white_area(fit_image(painted(height, width, area), p));
  if (seen.right == 0) {
    EXPECT_FALSE(placed);
    return;
  }
  ASSERT_TRUE(placed);
  EXPECT_EQ(placed->class_index, 3);
  EXPECT_NEAR((placed->x - placed->width / 2) * static_cast<float>(p.width), seen.left, 1.01);
  EXPECT_NEAR((placed->x + placed->width / 2) * static_cast<float>(p.width), seen.right, 1.01);
  EXPECT_NEAR((placed->y - placed->height / 2) * static_cast<float>(p.height), seen.top, 1.01);
  EXPECT_NEAR((placed->y + placed->height / 2) * static_cast<float>(p.height), seen.bottom, 1.01);
}

TEST(PlaceBox, FollowsThePixels) {
  Preprocessing exact{.height = 64, .width = 96};
  Preprocessing cropped = exact;
  cropped.resize_mode = ResizeMode::shortest_side;
  cropped.resize_height = 80;
  Preprocessing covering = exact;
  covering.resize_mode = ResizeMode::cover;
  Preprocessing letterbox = exact;
  letterbox.resize_mode = ResizeMode::letterbox;
  for (const Preprocessing& p : {exact, cropped, covering, letterbox}) {
    for (const auto& [height, width] : {std::pair(120, 200), {200, 120}, {30, 41}, {64, 96}}) {
      SCOPED_TRACE(testing::Message() << describe(p) << " of " << height << "x" << width);
      expect_follows_the_pixels(p, height, width, {width / 4, height / 3, width / 2, height * 2 / 3});
      expect_follows_the_pixels(p, height, width, {0, 0, width / 3, height / 3});
      expect_follows_the_pixels(p, height, width, {0, 0, width, height});
    }
  }
}

TEST(PlaceBox, IsGoneWhereTheCropCutsItOff) {
  Preprocessing p{.height = 50, .width = 50};
  p.resize_mode = ResizeMode::shortest_side;
  EXPECT_FALSE(place_box({0, 0.05f, 0.5f, 0.1f, 0.5f}, 100, 300, p));
  EXPECT_TRUE(place_box({0, 0.5f, 0.5f, 0.1f, 0.5f}, 100, 300, p));
}

TEST(PlaceBox, EndsWithThePicture) {
  Preprocessing p{.height = 100, .width = 100};
  p.resize_mode = ResizeMode::letterbox;
  const auto placed = place_box({0, 0.5f, 0.5f, 1.5f, 1.5f}, 50, 100, p);
  ASSERT_TRUE(placed);
  EXPECT_FLOAT_EQ(placed->height, 0.5f);
  EXPECT_FLOAT_EQ(placed->y, 0.5f);
  EXPECT_FLOAT_EQ(placed->width, 1);
}

}  // namespace
}  // namespace calib8
