#include "quantize/scale.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace calib8 {
namespace {

constexpr float huge = std::numeric_limits<float>::max();

std::vector<float> scales_of(const Tensor& weights, const std::vector<float>& bias, float input_scale) {
  return WeightScales(weights, 0, bias).at(input_scale, DType::int8).value();
}

TEST(Scale, CoversTheRangeWithZeroExact) {
  const Quantization even = activation_quantization({-1.0f, 1.0f});
  EXPECT_NEAR(even.scales[0], 2.0 / 255, 1e-8);
  EXPECT_EQ(activation_quantization({0, 6}).zero_points[0], -128);
  EXPECT_EQ(activation_quantization({2, 6}).zero_points[0], -128) << "zero belongs to every range";
  EXPECT_EQ(activation_quantization({-3, 0}).zero_points[0], 127);
  EXPECT_GE(activation_quantization({0, 0}).scales[0], smallest_scale);
}

TEST(Scale, IsSymmetricWhereTheTypeOrTheReaderWantsIt) {
  EXPECT_EQ(activation_quantization({-1, 3}, DType::int16), per_tensor(3.0f / 32767, 0));
  EXPECT_EQ(activation_quantization({-4, 3}, DType::int8, true), per_tensor(4.0f / 127, 0));
}

TEST(Scale, HoldsForRangesOfAnySize) {
  for (const float end : {1e-30f, 1e-6f, 1.0f, 1e9f, 1e38f, huge}) {
    const Quantization quantization = activation_quantization({-end, end});
    EXPECT_TRUE(std::isfinite(quantization.scales[0]) && quantization.scales[0] >= smallest_scale) << end;
    EXPECT_EQ(with_scale_at_least(quantization, huge).scales[0], huge);
  }
}

TEST(Scale, RoundsValuesBeyondAllLevelsToTheLastOne) {
  const std::vector<float> values = {huge, -huge, INFINITY, -INFINITY, NAN};
  const Data levels = quantize_values(values, per_tensor(smallest_scale, 0), DType::int8);
  const auto* level = reinterpret_cast<const std::int8_t*>(levels.bytes().data());
  EXPECT_EQ(std::vector<int>(level, level + 5), (std::vector<int>{127, -128, 127, -128, -128}));
}

TEST(WeightScales, LeaveTheBiasRoom) {
  const Tensor weights = make_tensor<float>({2, 2}, {1.27f, -0.5f, 1e-6f, 0});
  const std::vector<float> scales = scales_of(weights, {0, 100}, 0.01f);
  EXPECT_FLOAT_EQ(scales[0], 0.01f);
  EXPECT_LE(100.0 / (0.01 * static_cast<double>(scales[1])), 0x1p29 * 1.0001);
}

TEST(WeightScales, LeaveAMultiplierBesideAWideBias) {
  // The kernel takes multipliers below 2^-31 for 0, and then forgets the bias too.
  const float scale = WeightScales(make_tensor<float>({1, 1}, {1}), 0, std::vector<float>{1e9f})
                          .at(1e-6f, DType::int16)
                          .value()[0];
  const double output_scale = 1e9 / 32767;
  EXPECT_GT(1e-6 * static_cast<double>(scale) / output_scale, 0x1p-31);
}

TEST(WeightScales, LeaveLongSumsRoom) {
  constexpr std::size_t count = 100000;  // 127 * 255 * 100000 doesn't fit 32 bits
  const Tensor weights = make_tensor({1, count}, std::vector<float>(count, 1.27f));
  const float scale = scales_of(weights, {}, 0.01f)[0];
  EXPECT_LE(std::nearbyint(1.27 / static_cast<double>(scale)) * 255 * count, 0x1p31 - 1);
  EXPECT_FLOAT_EQ(WeightScales(weights, 0, {}).at(0.01f, DType::int16).value()[0], 0.01f)
      << "sums of int16 activations have 64 bits";
}

TEST(WeightScales, AreNothingWhereNoScaleHelps) {
  EXPECT_FALSE(WeightScales(make_tensor<float>({1, 1}, {NAN}), 0, {}).at(1, DType::int8));
  EXPECT_FALSE(WeightScales(make_tensor<float>({1, 1}, {1e38f}), 0, {}).at(1e36f, DType::int8));
}

}  // namespace
}  // namespace calib8
