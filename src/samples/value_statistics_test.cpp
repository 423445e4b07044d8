#include "samples/value_statistics.h"

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

TEST(InputCounter, TellsOfImagesByChannel) {
  const std::vector<float> values = {1, 10, 2, 20, 3, 30, 4, 40};
  InputCounter counter, first, second;
  counter.add(values, {2, 1, 2, 2});
  first.add(std::span(values).first(4), {1, 1, 2, 2});
  second.add(std::span(values).last(4), {1, 1, 2, 2});
  first.merge(second);
  for (const InputCounter& of : {counter, first}) {
    EXPECT_EQ(of.values().count(), 8u);
    ASSERT_EQ(of.channels().size(), 2u);
    EXPECT_EQ(of.channels()[0].mean(), 2.5);
    EXPECT_EQ(of.channels()[1].most(), 40);
  }
  InputCounter flat;
  flat.add(values, {2, 4});
  EXPECT_TRUE(flat.channels().empty());
  flat = {};
  flat.add(values, {1, 1, 1, 8});
  EXPECT_TRUE(flat.channels().empty());
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
