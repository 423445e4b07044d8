#include "tasks/resample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

namespace calib8 {
namespace {

TEST(Resample, BoundsAMeanAsItsStandardErrorDoes) {
  // 0 to 99: the mean is 49.5, its standard error 2.89 (28.87 / 10).
  const Bounds bounds = resample(100, [](std::span<const int> times) {
    double sum = 0;
    for (std::size_t i = 0; i < times.size(); ++i) sum += times[i] * static_cast<double>(i);
    return sum / 100;
  });
  EXPECT_NEAR(bounds.low, 49.5 - 1.96 * 2.89, 1);
  EXPECT_NEAR(bounds.high, 49.5 + 1.96 * 2.89, 1);
}

TEST(Resample, DrawsAsManyAsThereAre) {
  const Bounds drawn = resample(7, [](std::span<const int> times) {
    return static_cast<double>(std::accumulate(times.begin(), times.end(), 0));
  });
  EXPECT_EQ(drawn.low, 7);
  EXPECT_EQ(drawn.high, 7);
}

}  // namespace
}  // namespace calib8
