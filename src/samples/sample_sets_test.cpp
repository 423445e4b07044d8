#include "samples/sample_sets.h"

#include <gtest/gtest.h>

#include <vector>

namespace calib8 {
namespace {

Overlap overlap_of(const std::vector<int>& calibration, const std::vector<int>& verification) {
  return find_overlap<int>(calibration, verification);
}

TEST(FindOverlap, CountsWhatCalibratesToo) {
  EXPECT_EQ(overlap_of({1, 2, 3}, {4, 5}).samples, 0U);
  EXPECT_EQ(overlap_of({1, 2, 3}, {4, 3, 1}).samples, 2U);
  EXPECT_EQ(overlap_of({1, 2, 3}, {}).samples, 0U);
}

TEST(FindOverlap, OnlyTheSameSamplesInTheSameOrderAreTheBeginning) {
  EXPECT_TRUE(overlap_of({1, 2, 3}, {1, 2}).is_beginning);
  EXPECT_TRUE(overlap_of({1, 2, 3}, {1, 2, 3}).is_beginning);
  EXPECT_FALSE(overlap_of({1, 2, 3}, {2, 1}).is_beginning);
  EXPECT_FALSE(overlap_of({1, 2, 3}, {1, 4}).is_beginning);
  EXPECT_FALSE(overlap_of({1, 2}, {1, 2, 3}).is_beginning);
  EXPECT_FALSE(overlap_of({1, 2}, {}).is_beginning);
}

}  // namespace
}  // namespace calib8
