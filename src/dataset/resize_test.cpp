#include "dataset/resize.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>

#include "dataset/test_images.h"

namespace calib8 {
namespace {

/// The definition of an antialiased triangle filter along rows, in Pillow's fixed point: one value at a time.
Image reference_width(const Image& image, int width) {
  Image result{width, image.height, {}};
  const double scale = static_cast<double>(image.width) / width;
  const double support = std::max(scale, 1.0);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double center = (x + 0.5) * scale;
      const int first = std::max(0, static_cast<int>(center - support + 0.5));
      const int end = std::min(image.width, static_cast<int>(center + support + 0.5));
      double total = 0;
      for (int i = first; i < end; ++i) total += std::max(0.0, 1 - std::abs((i - center + 0.5) / support));
      for (int c = 0; c < 3; ++c) {
        std::int64_t sum = 1 << 21;
        for (int i = first; i < end; ++i) {
          const double weight = std::max(0.0, 1 - std::abs((i - center + 0.5) * (1.0 / support))) / total;
          sum += static_cast<std::int64_t>(0.5 + weight * (1 << 22)) *
                 image.pixels[static_cast<std::size_t>((y * image.width + i) * 3 + c)];
        }
        result.pixels.push_back(static_cast<std::uint8_t>(std::clamp<std::int64_t>(sum >> 22, 0, 255)));
      }
    }
  }
  return result;
}

Image transposed(const Image& image) {
  Image result{image.height, image.width, std::vector<std::uint8_t>(image.pixels.size())};
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        result.pixels[static_cast<std::size_t>((x * image.height + y) * 3 + c)] =
            image.pixels[static_cast<std::size_t>((y * image.width + x) * 3 + c)];
      }
    }
  }
  return result;
}

Image reference(const Image& image, int height, int width) {
  const auto to_height = [&](const Image& tall) {
    return transposed(reference_width(transposed(tall), height));
  };
  const bool height_first = image.height > height && image.height - height > 2 * (image.width - width);
  return height_first ? reference_width(to_height(image), width) : to_height(reference_width(image, width));
}

TEST(Resize, EqualsTheDefinitionOnEveryInstructionSet) {
  std::mt19937 random(1);
  const auto size = [&] { return static_cast<int>(random() % (random() % 2 ? 8 : 70) + 1); };
  for (std::int64_t targets = hwy::SupportedTargets(); targets != 0; targets &= targets - 1) {
    hwy::SetSupportedTargetsForTest(targets & -targets);
    hwy::GetChosenTarget().Update(targets & -targets);
    for (int i = 0; i < 60; ++i) {
      const int from_height = size(), from_width = size(), height = size(), width = size();
      const Image image{from_width, from_height,
                        test::random_bytes(static_cast<std::size_t>(from_width * from_height * 3), random())};
      ASSERT_EQ(resize(image, height, width), reference(image, height, width))
          << from_height << "x" << from_width << " to " << height << "x" << width << " by "
          << hwy::TargetName(targets & -targets);
    }
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

TEST(Resize, WhiteStaysWhiteAtExtremeShrinking) {
  const Image image{3000, 2, std::vector<std::uint8_t>(3000 * 2 * 3, 255)};
  const Image result = resize(image, 1, 2);
  EXPECT_EQ(result.pixels, std::vector<std::uint8_t>(6, 255));
}

TEST(Resize, TheSameSizeIsACopy) {
  const Image image{7, 5, test::random_bytes(105, 2)};
  EXPECT_EQ(resize(image, 5, 7), image);
}

}  // namespace
}  // namespace calib8
