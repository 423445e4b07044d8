#include "samples/spooled_samples.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace calib8 {
namespace {

Sample sample_of(float value) {
  Sample sample;
  sample.inputs.emplace("image", make_tensor<float>({1, 2, 1, 1}, {value, -value}));
  sample.inputs.emplace("size", make_tensor<float>({1, 1}, {value * 10}));
  return sample;
}

TEST(SpooledSamples, GivesWhatItWasGivenInAnyOrder) {
  SpooledSamples samples;
  for (int i = 0; i < 9; ++i) samples.add(sample_of(static_cast<float>(i)));
  const auto part = samples.part(3, 5);
  ASSERT_EQ(part->size(), 5U);
  for (const std::size_t index : {4U, 0U, 2U, 0U}) {
    const Sample read = part->load(index), expected = sample_of(static_cast<float>(3 + index));
    ASSERT_EQ(read.inputs.size(), 2U);
    for (const auto& [name, tensor] : expected.inputs) {
      EXPECT_EQ(read.inputs.at(name).shape, tensor.shape);
      EXPECT_TRUE(std::ranges::equal(read.inputs.at(name).as<float>(), tensor.as<float>()));
    }
  }
}

}  // namespace
}  // namespace calib8
