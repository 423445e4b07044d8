#include "tasks/detection/average_precision.h"

#include <gtest/gtest.h>

namespace calib8 {
namespace {

using Found = std::vector<std::vector<FoundBox>>;
using Objects = std::vector<std::vector<TrueBox>>;

FoundBox found(float left, float score, int class_index = 0) {
  return {{left, 0, left + 10, 10}, score, class_index};
}
TrueBox object(float left, int class_index = 0, bool is_crowd = false) {
  return {{left, 0, left + 10, 10}, class_index, is_crowd};
}

TEST(BoxMatches, PrecisionIsTheBestAtEachRecall) {
  // Of two objects the first is found, then nothing, then the second: precision 1 to a recall of 0.5 (51 of
  // the 101 places), then 2 / 3.
  const BoxMatches matches(Found{{found(0, 0.9f), found(300, 0.8f), found(100, 0.7f)}},
                           Objects{{object(0), object(100)}});
  EXPECT_NEAR(matches.precision().at_50, (51 + 50 * 2.0 / 3) / 101, 1e-12);
  EXPECT_NEAR(matches.precision().at_50_95, (51 + 50 * 2.0 / 3) / 101, 1e-12);
  EXPECT_EQ(matches.objects(), 2u);
}

TEST(BoxMatches, ASecondBoxOfAnObjectIsWrong) {
  const Objects one = {{object(0)}};
  EXPECT_NEAR(BoxMatches(Found{{found(0, 0.5f), found(0, 0.9f)}}, one).precision().at_50, 1, 1e-12);
  // The first picture's answer comes first of equal ones, and is wrong.
  const Objects second = {{}, {object(0)}};
  EXPECT_NEAR(BoxMatches(Found{{found(0, 0.5f)}, {found(0, 0.5f)}}, second).precision().at_50, 0.5, 1e-12);
}

TEST(BoxMatches, CrowdsCountNeitherWay) {
  const Objects crowd = {{object(0), object(100, 0, true)}};
  const Found both = {{found(100, 0.9f), found(101, 0.85f), found(0, 0.8f)}};
  EXPECT_NEAR(BoxMatches(both, crowd).precision().at_50, 1, 1e-12);
  EXPECT_EQ(BoxMatches(both, crowd).objects(), 1u);
}

TEST(BoxMatches, ClassesWithoutObjectsDontCount) {
  const BoxMatches matches(Found{{found(0, 0.9f, 1), found(0, 0.9f, 7)}},
                           Objects{{object(0, 1), object(50, 2)}});
  EXPECT_NEAR(matches.precision().at_50, 0.5, 1e-12);
  ASSERT_EQ(matches.by_class().size(), 2u);
  EXPECT_EQ(matches.by_class()[0].class_index, 1);
  EXPECT_NEAR(matches.by_class()[0].precision.at_50, 1, 1e-12);
  EXPECT_EQ(matches.by_class()[1].precision.at_50, 0);
}

TEST(BoxMatches, PicturesMayCountSeveralTimes) {
  const Objects objects = {{object(0)}, {object(0), object(50)}};
  const Found boxes = {{found(0, 0.9f), found(200, 0.95f)}, {found(0, 0.8f)}};
  const BoxMatches matches(boxes, objects);
  const auto repeated = [](const auto& pictures) {
    std::remove_cvref_t<decltype(pictures)> all = {pictures[0], pictures[1], pictures[1], pictures[1]};
    return all;
  };
  const std::vector<int> times = {1, 3};
  EXPECT_NEAR(matches.precision(times).at_50_95,
              BoxMatches(repeated(boxes), repeated(objects)).precision().at_50_95, 1e-12);
  EXPECT_EQ(matches.precision(std::vector<int>{0, 0}).at_50, 0);
}

}  // namespace
}  // namespace calib8
