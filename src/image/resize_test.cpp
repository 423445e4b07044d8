#include "image/resize.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>

#include "image/resize_opencv.h"
#include "image/test_images.h"

namespace calib8 {
namespace {

/// The filters' definitions, at a distance in widths of the filter.
double filter(Interpolation interpolation, double x) {
  const auto sinc = [](double t) { return t == 0 ? 1.0 : std::sin(t * M_PI) / (t * M_PI); };
  x = std::abs(x);
  switch (interpolation) {
    case Interpolation::nearest:
      break;
    case Interpolation::bilinear:
      return std::max(0.0, 1 - x);
    case Interpolation::bicubic:
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0.0;
    case Interpolation::lanczos:
      return x < 3 ? sinc(x) * sinc(x / 3) : 0.0;
  }
  return 0.0;
}

/// How far a filter reaches.
double reach(Interpolation interpolation) {
  return interpolation == Interpolation::bilinear ? 1 : interpolation == Interpolation::bicubic ? 2 : 3;
}

/// The definition of an antialiased filter along rows, in Pillow's fixed point: one value at a time.
Image reference_width(const Image& image, int width, Interpolation interpolation) {
  Image result{width, image.height, {}};
  const double scale = static_cast<double>(image.width) / width;
  const double widening = std::max(scale, 1.0);
  const double support = reach(interpolation) * widening;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double center = (x + 0.5) * scale;
      const int first = std::max(0, static_cast<int>(center - support + 0.5));
      const int end = std::min(image.width, static_cast<int>(center + support + 0.5));
      const auto weight = [&](int i) { return filter(interpolation, (i - center + 0.5) * (1.0 / widening)); };
      double total = 0;
      for (int i = first; i < end; ++i) total += weight(i);
      for (int c = 0; c < 3; ++c) {
        std::int64_t sum = 1 << 21;
        for (int i = first; i < end; ++i) {
          sum += std::llround(weight(i) / total * (1 << 22)) *
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

Image reference(const Image& image, int height, int width, Interpolation interpolation) {
  if (height == image.height && width == image.width) return image;
  const auto to_width = [&](const Image& wide) {
    return wide.width == width ? wide : reference_width(wide, width, interpolation);
  };
  const auto to_height = [&](const Image& tall) {
    return tall.height == height ? tall
                                 : transposed(reference_width(transposed(tall), height, interpolation));
  };
  const bool height_first = image.height > height && image.height - height > 2 * (image.width - width);
  return height_first ? to_width(to_height(image)) : to_height(to_width(image));
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
      for (const auto interpolation :
           {Interpolation::bilinear, Interpolation::bicubic, Interpolation::lanczos}) {
        ASSERT_EQ(resize(image, height, width, interpolation), reference(image, height, width, interpolation))
            << from_height << "x" << from_width << " to " << height << "x" << width << " by "
            << hwy::TargetName(targets & -targets) << ", filter " << static_cast<int>(interpolation);
      }
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

TEST(ResizePart, IsThatPartOfTheWhole) {
  const Image image{61, 43, test::random_bytes(61 * 43 * 3, 5)};
  const Region regions[] = {{0, 0, 4, 3}, {3, 5, 2, 9}, {7, 11, 6, 1}};
  for (const auto& [height, width] :
       {std::pair(13, 17), {90, 20}, {13, 150}, {90, 150}, {43, 20}, {14, 61}, {43, 61}}) {
    for (const Interpolation interpolation :
         {Interpolation::nearest, Interpolation::bilinear, Interpolation::bicubic, Interpolation::lanczos}) {
      const Image whole = resize(image, height, width, interpolation);
      for (const Region& region : regions)
        EXPECT_EQ(resize_part(image, height, width, region, interpolation), part_of(whole, region))
            << height << "x" << width << " " << static_cast<int>(interpolation);
      const Image opencv = resize_part_as_opencv(image, height, width, {0, 0, height, width}, interpolation);
      for (const Region& region : regions)
        EXPECT_EQ(resize_part_as_opencv(image, height, width, region, interpolation),
                  part_of(opencv, region));
    }
  }
}

}  // namespace
}  // namespace calib8
