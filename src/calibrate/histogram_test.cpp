#include "calibrate/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "calibrate/choose_range.h"

namespace calib8 {
namespace {

std::vector<float> normal_values(std::size_t count, unsigned seed, float scale = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution(0, scale);
  std::vector<float> values(count);
  for (float& value : values) value = distribution(generator);
  return values;
}

TEST(Histogram, IsTheSameHoweverTheValuesAreSplitAndOrdered) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::vector<float> values = normal_values(3000, seed);
    for (std::size_t i = 0; i < values.size(); i += 7)
      values[i] *= std::ldexp(1.0f, static_cast<int>(i % 13));
    Histogram whole;
    whole.add(values);

    std::mt19937 generator(seed + 1);
    std::shuffle(values.begin(), values.end(), generator);
    Histogram parts[3];
    for (std::size_t start = 0; start < values.size(); start += 100) {
      parts[generator() % 3].add(std::span(values).subspan(start, 100));
    }
    Histogram merged;
    for (const Histogram& part : parts) merged.merge(part);
    EXPECT_EQ(merged, whole);
    EXPECT_EQ(whole.total(), values.size());
  }
}

TEST(Histogram, CountsValuesInTheirBins) {
  Histogram histogram;
  histogram.add(std::vector<float>{-1.0f, -0.25f, 0.0f, 0.5f, 0.5f, NAN, INFINITY});
  EXPECT_EQ(histogram.total(), 5u);
  const double width = histogram.bin_width();
  const auto bin = [&](double value) {
    return static_cast<std::size_t>((value - histogram.first_edge()) / width);
  };
  EXPECT_EQ(histogram.counts()[bin(0.5)], 2u);
  EXPECT_EQ(histogram.counts()[bin(-0.25)], 1u);
  EXPECT_EQ(histogram.counts()[bin(0.25)], 0u);
  EXPECT_LE(histogram.counts().size(), static_cast<std::size_t>(Histogram::most_bins));
}

TEST(Histogram, HoldsValuesFarApartAndAConstant) {
  Histogram far;
  far.add(std::vector<float>{-3e38f, 1e-30f, 3e38f});
  EXPECT_EQ(far.total(), 3u);
  Histogram constant;
  constant.add(std::vector<float>(10, 7.0f));
  EXPECT_EQ(constant.total(), 10u);
}

/// The bins of all values, counted one by one on the finest grid that the header promises.
struct CountedBins {
  int exponent = -149;
  std::map<std::int64_t, std::uint64_t> counts;

  explicit CountedBins(const std::vector<float>& values) {
    for (; !count(values); ++exponent) counts.clear();
  }

 private:
  bool count(const std::vector<float>& values) {
    for (const float value : values) {
      const double position = std::floor(std::ldexp(static_cast<double>(value), -exponent));
      if (std::abs(position) > 1e12) return false;
      ++counts[static_cast<std::int64_t>(position)];
    }
    const std::int64_t first = counts.begin()->first, last = counts.rbegin()->first;
    return first >= -(1 << 30) && last < (1 << 30) && last - first < Histogram::most_bins;
  }
};

/// Values of one of the kinds that networks give, and of those that they shouldn't.
std::vector<float> wild_values(std::mt19937& generator) {
  const auto any_of = [&](std::initializer_list<float> choices) {
    return choices.begin()[generator() % choices.size()];
  };
  const auto any_finite = [&] {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(generator()));
    return std::isfinite(value) ? value : 0.0f;
  };
  constexpr float largest = std::numeric_limits<float>::max();
  const float constant = any_of({0, -0.0f, 1e-45f, -1e-45f, 1e-38f, 7, -1e7f, 1e7f, -1e12f, 3e38f, largest,
                                 -largest, any_finite(), any_finite()});
  const float spread = any_of({0, 0, 1e-42f, 1e-10f, 1, 1e6f, 1e30f});
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(1 + generator() % 300);
  const bool mixture = generator() % 3 == 0;
  for (float& value : values) {
    value = constant + spread * normal(generator);
    if (mixture && generator() % 4 == 0) value = any_finite();
    if (!std::isfinite(value)) value = constant;
  }
  return values;
}

TEST(Histogram, CountsAnyFiniteValues) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 generator(seed);
    const std::vector<float> values = wild_values(generator);
    const CountedBins expected(values);
    Histogram parts[2];
    for (std::size_t i = 0; i < values.size(); ++i)
      parts[generator() % 2].add(std::span(values).subspan(i, 1));
    parts[0].merge(parts[1]);
    Histogram whole;
    whole.add(values);
    ASSERT_EQ(parts[0], whole);
    ASSERT_EQ(whole.bin_width(), std::ldexp(1.0, expected.exponent));
    ASSERT_EQ(whole.first_edge(), static_cast<double>(expected.counts.begin()->first) * whole.bin_width());
    for (std::size_t bin = 0; bin < whole.counts().size(); ++bin) {
      const auto found =
          expected.counts.find(expected.counts.begin()->first + static_cast<std::int64_t>(bin));
      ASSERT_EQ(whole.counts()[bin], found == expected.counts.end() ? 0u : found->second);
    }
  }
}

TEST(ChooseRange, StaysWithinWhatWasSeenForAnyFiniteValues) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 generator(seed);
    const std::vector<float> values = wild_values(generator);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    Histogram histogram;
    histogram.add(values);
    for (const CalibrationMethod method :
         {CalibrationMethod::minmax, CalibrationMethod::percentile, CalibrationMethod::mse}) {
      const Range seen = with_zero({*low, *high});
      const Range chosen = with_zero(choose_range(method, {*low, *high}, histogram));
      EXPECT_LE(seen.low, chosen.low);
      EXPECT_LE(chosen.high, seen.high);
      EXPECT_FALSE(chosen.low == chosen.high && seen.low != seen.high) << "nothing is left of the range";
    }
  }
}

/// Cubes of normal values: most are small, few are very large.
std::vector<float> heavy_tailed_values(std::size_t count, unsigned seed) {
  std::vector<float> values = normal_values(count, seed);
  for (float& value : values) value = value * value * value;
  return values;
}

TEST(ChooseRange, MseClipsAHeavyTailAndKeepsUniformValues) {
  const std::vector<float> tailed = heavy_tailed_values(1000000, 3);
  Histogram histogram;
  histogram.add(tailed);
  const auto [low, high] = std::minmax_element(tailed.begin(), tailed.end());
  const Range chosen = choose_range(CalibrationMethod::mse, {*low, *high}, histogram);
  EXPECT_LT(chosen.high, 0.96f * *high);
  EXPECT_GT(chosen.high, 0.4f * *high);

  std::vector<float> uniform(100000);
  for (std::size_t i = 0; i < uniform.size(); ++i)
    uniform[i] = static_cast<float>(i) / static_cast<float>(uniform.size());
  Histogram flat;
  flat.add(uniform);
  EXPECT_GT(choose_range(CalibrationMethod::mse, {0, uniform.back()}, flat).high, 0.94f);
}

TEST(ChooseRange, MseIsNoWorseThanMinMaxWhenMeasuredOnTheValues) {
  const std::vector<float> values = heavy_tailed_values(1000000, 5);
  Histogram histogram;
  histogram.add(values);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const auto error = [&](Range range) {
    const double scale = (static_cast<double>(range.high) - range.low) / 255;
    const double zero = std::nearbyint(-range.low / scale);
    double sum = 0;
    for (const float value : values) {
      const double level = std::clamp(std::nearbyint(value / scale) + zero, 0.0, 255.0);
      sum += std::pow(std::abs((level - zero) * scale - value), 3);
    }
    return sum;
  };
  EXPECT_LT(error(choose_range(CalibrationMethod::mse, {*low, *high}, histogram)), error({*low, *high}));
}

TEST(ChooseRange, PercentileCutsOneValueInTenThousandAtEachEnd) {
  std::vector<float> values(100000, 0.5f);
  values[0] = -100;
  values[1] = 100;
  Histogram histogram;
  histogram.add(values);
  const Range chosen = choose_range(CalibrationMethod::percentile, {-100, 100}, histogram);
  EXPECT_NEAR(chosen.low, 0.5, 0.2);
  EXPECT_NEAR(chosen.high, 0.5, 0.2);
}

}  // namespace
}  // namespace calib8
