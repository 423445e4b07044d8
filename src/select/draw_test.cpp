#include "select/draw.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace calib8 {
namespace {

/// Classes of the given sizes; none of them where there are no labels.
DatasetListing listing_of(const std::vector<int>& class_sizes, bool labelled = true) {
  DatasetListing listing;
  for (std::size_t c = 0; c < class_sizes.size(); ++c) {
    if (labelled) listing.class_names.push_back(fmt::format("class{}", c));
    for (int i = 0; i < class_sizes[c]; ++i) {
      const std::string path = fmt::format("{}/{}", c, i);
      listing.images.push_back(
          {path, path, labelled ? std::optional<int>(static_cast<int>(c)) : std::nullopt});
    }
  }
  return listing;
}

std::vector<std::string> paths_of(const DatasetListing& listing, const std::vector<ImageIndex>& images) {
  std::vector<std::string> paths;
  for (const ImageIndex image : images) paths.push_back(listing.images.relative_path(image));
  return paths;
}

std::map<int, int> counts_of(const DatasetListing& listing, const std::vector<ImageIndex>& images) {
  std::map<int, int> counts;
  for (const ImageIndex image : images) ++counts[*listing.images.label(image)];
  return counts;
}

TEST(DrawSamples, EveryClassIsServedEvenly) {
  const DatasetListing listing = listing_of({500, 3, 40, 7});
  const Draw draw = draw_samples(listing, {40, 8, 1});
  const std::map<int, int> counts = counts_of(listing, draw.calibration);
  EXPECT_EQ(counts.at(1), 3);  // all it has
  EXPECT_EQ(counts.at(3), 7);
  EXPECT_EQ(counts.at(0), 15);
  EXPECT_EQ(counts.at(2), 15);
  EXPECT_EQ(counts_of(listing, draw.verification).at(0), 4);
}

TEST(DrawSamples, FewerThanClassesAreDrawnFromDifferentOnes) {
  const DatasetListing listing = listing_of(std::vector<int>(1000, 5));
  const Draw draw = draw_samples(listing, {100, 20, 0});
  EXPECT_EQ(counts_of(listing, draw.calibration).size(), 100U);
  std::vector<int> classes;
  for (const ImageIndex image : draw.calibration) classes.push_back(*listing.images.label(image));
  EXPECT_GT(*std::max_element(classes.begin(), classes.end()), 800);  // and not the first hundred
}

TEST(DrawSamples, ListsAreDisjointAndTogetherAll) {
  for (const std::vector<int>& sizes : {std::vector<int>{10, 20, 30}, {5}, {1, 1, 1}, {90, 31}}) {
    const DatasetListing listing = listing_of(sizes);
    const Draw draw = draw_samples(listing, {30, 10, 3});
    std::set<std::string> all;
    for (const auto* list : {&draw.calibration, &draw.verification, &draw.spare}) {
      for (const std::string& path : paths_of(listing, *list)) EXPECT_TRUE(all.insert(path).second);
    }
    EXPECT_EQ(all.size(), listing.images.size());
    EXPECT_EQ(draw.calibration.size(), std::min<std::size_t>(30, all.size()));
  }
}

TEST(DrawSamples, CalibrationDoesNotDependOnVerification) {
  const DatasetListing listing = listing_of({50, 60});
  EXPECT_EQ(paths_of(listing, draw_samples(listing, {30, 0, 9}).calibration),
            paths_of(listing, draw_samples(listing, {30, 50, 9}).calibration));
}

TEST(DrawSamples, TheSeedDecidesAndIsTheSameOnEveryMachine) {
  const DatasetListing listing = listing_of({100}, false);
  const auto first = paths_of(listing, draw_samples(listing, {5, 0, 0}).calibration);
  EXPECT_EQ(first, paths_of(listing, draw_samples(listing, {5, 0, 0}).calibration));
  EXPECT_NE(first, paths_of(listing, draw_samples(listing, {5, 0, 1}).calibration));
  // By SplitMix64's published constants and a Fisher-Yates shuffle, written down in Python.
  EXPECT_EQ(first, (std::vector<std::string>{"0/2", "0/10", "0/87", "0/32", "0/40"}));
}

/// Says that images whose number is below a limit hold nothing, and counts how often it is asked.
class FirstOnesAreEmpty : public Annotations {
 public:
  explicit FirstOnesAreEmpty(int limit) : limit_(limit) {}
  bool has_objects(const ImageEntry& image) const override {
    ++asked;
    return std::stoi(image.relative_path.substr(2)) >= limit_;
  }
  bool is_labelled(const ImageEntry&) const override { return true; }
  std::vector<Box> read_boxes(const ImageEntry&) const override { return {}; }
  mutable int asked = 0;

 private:
  int limit_;
};

TEST(DrawSamples, ImagesWithoutObjectsAreDrawnInTheirProportionOrOneInTen) {
  const struct {
    int empty_ones, least, most;
  } cases[] = {{0, 0, 0}, {3000, 25, 35}, {9990, 85, 100}, {10000, 100, 100}, {600, 9, 11}};
  for (const auto& example : cases) {
    DatasetListing listing = listing_of({10000}, false);
    const auto annotations = std::make_shared<FirstOnesAreEmpty>(example.empty_ones);
    listing.annotations = annotations;
    const Draw draw = draw_samples(listing, {100, 20, 4});
    EXPECT_EQ(annotations->asked, 400);
    int empty = 0;
    std::set<std::string> paths;
    for (const ImageIndex image : draw.calibration)
      empty += annotations->has_objects(listing.images[image]) ? 0 : 1;
    for (const auto* list : {&draw.calibration, &draw.verification})
      for (const std::string& path : paths_of(listing, *list)) paths.insert(path);
    EXPECT_EQ(paths.size(), 120U);
    EXPECT_GE(empty, example.least) << example.empty_ones;
    EXPECT_LE(empty, example.most) << example.empty_ones;
  }
}

}  // namespace
}  // namespace calib8
