#include "image_samples/open_images.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

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

  ImageSamples open(const DrawRequest& request, int threads = 1) const {
    const DatasetListing listing = discover_dataset(folder.path());
    return open_samples(listing.images, draw_samples(listing, request), request, {.height = 4, .width = 3},
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
  ASSERT_EQ(samples.sets.calibration->size(), 5U);
  ASSERT_EQ(samples.sets.verification->size(), 3U);
  const Preprocessing preprocessing = samples.sets.calibration->preprocessing();
  for (std::size_t i = 0; i < 5; ++i) {
    const std::string path = samples.sets.calibration->images()[i].path;
    const Tensor expected = preprocess(read_image(path), preprocessing);
    const Sample sample = samples.sets.calibration->load(i);
    const Tensor& tensor = sample.inputs.at("");
    EXPECT_EQ(tensor.shape, (Shape{1, 4, 3, 3}));
    EXPECT_TRUE(std::ranges::equal(tensor.as<float>(), expected.as<float>()));
    EXPECT_EQ(samples.sets.calibration->used()->sha256(i), sha256_of_file(path));
  }
  EXPECT_TRUE(samples.notes.empty());
}

TEST_F(OpenImages, WhatIsNotKeptIsDecodedAgainToTheSame) {
  fill(4, {});
  const ImageSamples samples = open({4, 0, 0});
  const ImageSource nothing_kept(samples.sets.calibration->used(), {},
                                 samples.sets.calibration->preprocessing());
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(std::ranges::equal(nothing_kept.load(i).inputs.at("").as<float>(),
                                   samples.sets.calibration->load(i).inputs.at("").as<float>()));
  }
}

TEST_F(OpenImages, UnreadableImagesAreReplacedWhateverTheThreads) {
  fill(60, {1, 2, 3, 5, 8, 13, 21, 34, 55});
  const ImageSamples one = open({20, 10, 7}, 1);
  EXPECT_EQ(one.sets.calibration->size(), 20U);
  EXPECT_EQ(one.sets.verification->size(), 10U);
  EXPECT_FALSE(one.skipped.empty());
  EXPECT_THAT(one.notes, Contains(HasSubstr("skipped")));
  for (const int threads : {2, 3, 8}) {
    const ImageSamples several = open({20, 10, 7}, threads);
    EXPECT_EQ(paths_of(*several.sets.calibration), paths_of(*one.sets.calibration));
    EXPECT_EQ(paths_of(*several.sets.verification), paths_of(*one.sets.verification));
    ASSERT_EQ(several.skipped.size(), one.skipped.size());
    for (std::size_t i = 0; i < one.skipped.size(); ++i) {
      EXPECT_EQ(several.skipped[i].relative_path, one.skipped[i].relative_path);
    }
  }
}

TEST_F(OpenImages, OneUnreadableOfAllIsCounted) {
  fill(100, {42});
  const ImageSamples samples = open({100, 20, 0}, 2);
  EXPECT_EQ(samples.sets.calibration->size(), 99U);
  EXPECT_EQ(samples.sets.verification->size(), 20U);
  EXPECT_TRUE(samples.sets.overlap.is_beginning);
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
  EXPECT_EQ(samples.sets.calibration->size(), 110U);
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
  const ImageSource source(samples.sets.calibration->used(), {}, samples.sets.calibration->preprocessing());
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

TEST_F(OpenImages, AFileThatHoldsSomethingElseMeanwhileIsNamed) {
  fill(2, {});
  const ImageSamples samples = open({2, 0, 0});
  const ImageSource source(samples.sets.calibration->used(), {}, samples.sets.calibration->preprocessing());
  const std::filesystem::path path = source.images()[1].path;
  EXPECT_NO_THROW(source.load(1));
  folder.write(path.filename().string(), test::encode_png(6, 5, test::random_bytes(90, 77)));
  try {
    source.load(1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::dataset);
    EXPECT_EQ(error.where(), path.string());
    EXPECT_THAT(error.message(), HasSubstr("changed"));
  }
}

TEST_F(OpenImages, TheSelectionIsSetApartWhateverIsDamagedOrRepeated) {
  fill(60, {1, 2, 3, 5, 8, 13, 21, 34, 55});
  for (int i = 10; i < 13; ++i)
    std::filesystem::create_hard_link(folder.path() / fmt::format("{}.png", i),
                                      folder.path() / fmt::format("copy{}.png", i));
  const ImageSamples without = open({20, 10, 7}), with = open({20, 10, 7, 15}, 3);
  EXPECT_EQ(paths_of(*without.sets.calibration), paths_of(*with.sets.calibration));
  EXPECT_EQ(paths_of(*without.sets.verification), paths_of(*with.sets.verification));
  EXPECT_EQ(without.sets.selection->size(), 0U);
  ASSERT_EQ(with.sets.selection->size(), 15U);
  std::set<std::string> hashes;
  for (const auto& set : {with.sets.calibration, with.sets.verification, with.sets.selection}) {
    for (std::size_t i = 0; i < set->size(); ++i)
      EXPECT_TRUE(hashes.insert(set->used()->sha256(i)).second) << set->images()[i].path;
  }
  EXPECT_THAT(open({20, 10, 7, 40}).notes, Contains(HasSubstr("to compare candidates on")));
}

TEST_F(OpenImages, AListSaysWhatItSharesByContent) {
  fill(12, {});
  std::filesystem::create_hard_link(folder.path() / "0.png", folder.path() / "copy.png");
  const DatasetListing listing = discover_dataset(folder.path());
  const auto list = [](const std::vector<std::string>& names) {
    std::vector<ListedSample> samples;
    for (const std::string& name : names) samples.push_back({name + ".png", {}, {}});
    return samples;
  };
  const auto open_list = [&](const SampleList& samples, const DrawRequest& request = {100, 20, 0, 5}) {
    return open_listed(samples, listing, false, request, {.height = 4, .width = 3}, 2);
  };
  ImageSamples samples = open_list({list({"0", "1", "2"}), list({"3", "copy"}), list({"4"})});
  EXPECT_EQ(samples.sets.overlap.samples, 1U);
  EXPECT_FALSE(samples.sets.overlap.is_beginning);
  EXPECT_THAT(samples.notes, Contains(HasSubstr("1 of 2 images to verify on calibrated")));
  EXPECT_TRUE(open_list({list({"0", "1", "2"}), list({"copy", "1"}), {}}).sets.overlap.is_beginning);
  EXPECT_FALSE(open_list({list({"0", "1"}), list({"1", "0"}), {}}).sets.overlap.is_beginning);
  EXPECT_FALSE(open_list({list({"0"}), list({"0", "1"}), {}}).sets.overlap.is_beginning);
  EXPECT_EQ(open_list({list({"0", "1"}), {}, {}}).sets.overlap.samples, 2U);
  EXPECT_EQ(open_list({list({"0", "1"}), {}, {}}, {100, 0, 0}).sets.verification->size(), 0U);
  for (const SampleList& bad : {SampleList{list({"1"}), list({"0"}), list({"2", "copy"})},
                                SampleList{list({"0"}), list({"1"}), list({"copy"})}}) {
    try {
      open_list(bad);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::dataset);
      EXPECT_EQ(error.where(), "copy.png");
    }
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
  EXPECT_EQ(samples.sets.calibration->size(), 2U);
  EXPECT_EQ(samples.repeated.size(), 20U);
  EXPECT_EQ(samples.skipped.size(), 21U);
  for (const SkippedImage& image : samples.skipped)
    EXPECT_THAT(image.reason, HasSubstr("can't be decoded as PNG"));

  int decoded = 0;
  const DatasetListing listing = discover_dataset(folder.path());
  ImageContents contents(listing.images, {}, [&](Image, std::size_t) {
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
