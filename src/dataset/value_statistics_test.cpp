#include "dataset/value_statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace calib8 {
namespace {

TEST(ValueCounter, TellsOfAllValues) {
  const std::vector<float> values = {2, 4, 4, 4, 5, 5, 7, 9};
  ValueCounter counter;
  counter.add(values);
  EXPECT_EQ(counter.count(), 8u);
  EXPECT_EQ(counter.least(), 2);
  EXPECT_EQ(counter.most(), 9);
  EXPECT_EQ(counter.mean(), 5);
  EXPECT_EQ(counter.deviation(), 2);
}

TEST(ValueCounter, TakesOneChannel) {
  const std::vector<float> values = {1, -10, 3, -20};
  ValueCounter counter;
  counter.add(values, 1, 2);
  EXPECT_EQ(counter.count(), 2u);
  EXPECT_EQ(counter.least(), -20);
  EXPECT_EQ(counter.mean(), -15);
  EXPECT_EQ(counter.deviation(), 5);
}

TEST(ValueCounter, KeepsTheDeviationBesideALargeMean) {
  ValueCounter counter;
  for (int part = 0; part < 1000; ++part) counter.add(std::vector<float>{1e7f - 1, 1e7f + 1});
  EXPECT_NEAR(counter.mean(), 1e7, 1e-6);
  EXPECT_NEAR(counter.deviation(), 1, 1e-9);
}

TEST(ValueCounter, OfNothing) {
  ValueCounter counter;
  counter.add({});
  counter.merge({});
  EXPECT_EQ(counter.count(), 0u);
  EXPECT_EQ(counter.deviation(), 0);
}

}  // namespace
}  // namespace calib8
