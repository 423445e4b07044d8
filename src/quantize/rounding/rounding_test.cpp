#include "quantize/rounding/rounding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

namespace calib8 {
namespace {

Tensor random_weights(Shape shape, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(static_cast<std::size_t>(*element_count(shape)));
  for (float& value : values) value = distribution(generator);
  return make_tensor(std::move(shape), std::move(values));
}

Quantization per_channel(std::size_t channels, std::int32_t axis, float scale) {
  return {std::vector<float>(channels, scale), std::vector<std::int64_t>(channels, 0), axis};
}

TEST(Rounding, MethodsHaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const RoundingMethod& method : rounding_methods()) names.insert(method.name);
  EXPECT_EQ(names.size(), rounding_methods().size());
  EXPECT_EQ(default_rounding().name, "correlated");
}

TEST(RoundWeights, GoesToTheNearestLevelWithoutCorrelation) {
  const Tensor weights = make_tensor<float>({2, 1, 1, 3}, {0.24f, -0.26f, 0.76f, 100, -100, 0});
  const auto levels = round_correlated({weights, per_channel(2, 0, 0.5f), Correlation::none});
  EXPECT_EQ(levels, (std::vector<std::int8_t>{0, -1, 2, 127, -127, 0}));
  EXPECT_EQ(round_to_nearest({weights, per_channel(2, 0, 0.5f)}), levels);
}

TEST(RoundWeights, BalancesEachGroupAndMovesNoWeightFurtherThanItsSecondLevel) {
  constexpr float scale = 0.06f;
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Tensor dense = random_weights({4, 3, 3, 5}, seed);
    const auto levels = round_correlated({dense, per_channel(4, 0, scale), Correlation::taps_of_channel});
    for (std::size_t filter = 0; filter < 4; ++filter) {
      for (std::size_t channel = 0; channel < 5; ++channel) {
        double sum = 0;
        for (std::size_t tap = 0; tap < 9; ++tap) {
          const std::size_t index = (filter * 9 + tap) * 5 + channel;
          const double error = dense.as<float>()[index] / scale - levels[index];
          EXPECT_LT(std::abs(error), 1.0001);
          sum += error;
        }
        EXPECT_LE(std::abs(sum), 0.5001);
      }
    }
    const Tensor depthwise = random_weights({1, 5, 5, 7}, seed);
    const auto depthwise_levels =
        round_correlated({depthwise, per_channel(7, 3, scale), Correlation::taps_of_channel});
    for (std::size_t filter = 0; filter < 7; ++filter) {
      double sum = 0;
      for (std::size_t tap = 0; tap < 25; ++tap) {
        sum += depthwise.as<float>()[tap * 7 + filter] / scale - depthwise_levels[tap * 7 + filter];
      }
      EXPECT_LE(std::abs(sum), 0.5001);
    }
  }
}

TEST(RoundWeights, KeepsTheAnswerToAGrayPicture) {
  const Tensor stem = random_weights({8, 3, 3, 3}, 3);
  const auto levels = round_correlated({stem, per_channel(8, 0, 0.06f), Correlation::whole_filter});
  for (std::size_t filter = 0; filter < 8; ++filter) {
    double sum = 0;
    for (std::size_t i = 0; i < 27; ++i)
      sum += stem.as<float>()[filter * 27 + i] / 0.06f - levels[filter * 27 + i];
    EXPECT_LE(std::abs(sum), 0.5001);
  }
}

}  // namespace
}  // namespace calib8
