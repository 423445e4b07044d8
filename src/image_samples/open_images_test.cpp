#include "image_samples/open_images.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calib8/error.h"
#include "image/test_images.h"
#include "image_samples/image_contents.h"

namespace calib8 {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

/// A flat folder of small images, of which some are damaged.
class OpenImages : public ::testing::Test {
 protected:
  void fill(int count, const std::vector<int>& damaged) {
    for (int i = 0; i < count; ++i) {
      auto file = test::encode_png(6, 5, test::random_bytes(90, static_cast<std::uint32_t>(i)));
      if (std::find(damaged.begin(), damaged.end(), i) != damaged.end()) file.resize(40);
      folder.write(fmt::format("{}.png", i), file);
    }
  }

  ImageSamples open(const SelectionRequest& request, int threads = 1) const {
    const DatasetListing listing = discover_dataset(folder.path());
    return open_samples(listing.images, select_samples(listing, request), request, {.height = 4, .width = 3},
                        threads);
  }

  test::TemporaryFolder folder;
};

std::vector<std::string> paths_of(const ImageSource& source) {
  std::vector<std::string> paths;
  for (const ImageEntry& image : source.images()) paths.push_back(image.relative_path);
  return paths;
}

TEST_F(OpenImages, SamplesAreThePreprocessedFiles) {
  fill(10, {});
  const ImageSamples samples = open({5, 3, 0});
  ASSERT_EQ(samples.calibration->size(), 5U);
  ASSERT_EQ(samples.verification->size(), 3U);
  const Preprocessing preprocessing = samples.calibration->preprocessing();
  for (std::size_t i = 0; i < 5; ++i) {
    const std::string path = samples.calibration->images()[i].path;
    const Tensor expected = preprocess(read_image(path), preprocessing);
    const Sample sample = samples.calibration->load(i);
    const Tensor& tensor = sample.inputs.at("");
    EXPECT_EQ(tensor.shape, (Shape{1, 4, 3, 3}));
    EXPECT_TRUE(std::ranges::equal(tensor.as<float>(), expected.as<float>()));
    EXPECT_EQ(samples.calibration->used()->sha256(i), sha256_of_file(path));
  }
  EXPECT_TRUE(samples.notes.empty());
}

TEST_F(OpenImages, WhatIsNotKeptIsDecodedAgainToTheSame) {
  fill(4, {});
  const ImageSamples samples = open({4, 0, 0});
  const ImageSource nothing_kept(samples.calibration->used(), {}, samples.calibration->preprocessing());
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(std::ranges::equal(nothing_kept.load(i).inputs.at("").as<float>(),
                                   samples.calibration->load(i).inputs.at("").as<float>()));
  }
}

TEST_F(OpenImages, UnreadableImagesAreReplacedWhateverTheThreads) {
  fill(60, {1, 2, 3, 5, 8, 13, 21, 34, 55});
  const ImageSamples one = open({20, 10, 7}, 1);
  EXPECT_EQ(one.calibration->size(), 20U);
  EXPECT_EQ(one.verification->size(), 10U);
  EXPECT_FALSE(one.skipped.empty());
  EXPECT_THAT(one.notes, Contains(HasSubstr("skipped")));
  for (const int threads : {2, 3, 8}) {
    const ImageSamples several = open({20, 10, 7}, threads);
    EXPECT_EQ(paths_of(*several.calibration), paths_of(*one.calibration));
    EXPECT_EQ(paths_of(*several.verification), paths_of(*one.verification));
    ASSERT_EQ(several.skipped.size(), one.skipped.size());
    for (std::size_t i = 0; i < one.skipped.size(); ++i) {
      EXPECT_EQ(several.skipped[i].relative_path, one.skipped[i].relative_path);
    }
  }
}

TEST_F(OpenImages, OneUnreadableOfAllIsCounted) {
  fill(100, {42});
  const ImageSamples samples = open({100, 20, 0}, 2);
  EXPECT_EQ(samples.calibration->size(), 99U);
  EXPECT_EQ(samples.verification->size(), 20U);
  EXPECT_TRUE(samples.verification_overlaps);
  ASSERT_EQ(samples.skipped.size(), 1U);
  EXPECT_EQ(samples.skipped[0].relative_path, "42.png");
  EXPECT_THAT(samples.skipped[0].reason, HasSubstr("can't be decoded as PNG"));
}

TEST_F(OpenImages, WhatCannotBeFittedIsSkippedThoughPixelsAreNotKept) {
  fill(110, {});
  folder.write("zz.png", test::encode_png(20000, 1, test::random_bytes(60000, 0)));
  const DatasetListing listing = discover_dataset(folder.path());
  const Preprocessing preprocessing{.height = 224, .width = 224, .resize_mode = ResizeMode::shortest_side};
  std::vector<ImageIndex> all(listing.images.size());
  for (ImageIndex i = 0; i < all.size(); ++i) all[i] = i;  // the oblong one is the last
  const ImageSamples samples = open_samples(listing.images, {all, {}, {}}, {111, 0, 0}, preprocessing, 2);
  EXPECT_EQ(samples.calibration->size(), 110U);
  ASSERT_EQ(samples.skipped.size(), 1U);
  EXPECT_THAT(samples.skipped[0].reason, HasSubstr("so oblong"));
}

TEST_F(OpenImages, NoneReadableIsAnError) {
  fill(3, {0, 1, 2});
  try {
    open({100, 20, 0});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::dataset);
    EXPECT_THAT(error.message(), HasSubstr("none of 3 images can be read"));
  }
}

TEST_F(OpenImages, AFileThatVanishesIsNamed) {
  fill(2, {});
  const ImageSamples samples = open({2, 0, 0});
  const ImageSource source(samples.calibration->used(), {}, samples.calibration->preprocessing());
  const std::filesystem::path path = source.images()[1].path;
  std::filesystem::remove(path);
  try {
    source.load(1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::dataset);
    EXPECT_EQ(error.where(), path.string());
  }
}

TEST_F(OpenImages, CopiesAreDecodedOnceAndStandForEachOther) {
  fill(3, {0});
  const auto copy = [&](int from, const std::string& to) {
    std::filesystem::create_hard_link(folder.path() / fmt::format("{}.png", from), folder.path() / to);
  };
  for (int i = 0; i < 20; ++i) copy(1, fmt::format("a{:02}.png", i));
  for (int i = 0; i < 20; ++i) copy(0, fmt::format("b{:02}.png", i));
  const ImageSamples samples = open({43, 0, 0}, 2);
  EXPECT_EQ(samples.calibration->size(), 2U);
  EXPECT_EQ(samples.repeated.size(), 20U);
  EXPECT_EQ(samples.skipped.size(), 21U);
  for (const SkippedImage& image : samples.skipped)
    EXPECT_THAT(image.reason, HasSubstr("can't be decoded as PNG"));

  int decoded = 0;
  const DatasetListing listing = discover_dataset(folder.path());
  ImageContents contents(listing.images, {}, [&](const Image&, std::size_t) {
    ++decoded;
    return Image{};
  });
  std::vector<ImageIndex> all(listing.images.size());
  for (ImageIndex i = 0; i < all.size(); ++i) all[i] = i;
  contents.open(all, 1, [](const ImageContents::File&) {});
  EXPECT_EQ(decoded, 2);
}

}  // namespace
}  // namespace calib8
