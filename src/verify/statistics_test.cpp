#include "verify/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace calib8 {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(Sqnr, IsTheRatioOfPowers) {
  const std::vector<float> reference{3, -4, 0, 5};
  // Noise: 0.3^2 + 0.4^2 = 0.25; signal: 50; 10 log10(200).
  const std::vector<float> measured{3.3f, -4.4f, 0, 5};
  EXPECT_NEAR(sqnr_decibels(reference, measured), 23.0103, 1e-4);
  EXPECT_EQ(sqnr_decibels(reference, reference), infinity);
  EXPECT_NEAR(sqnr_decibels(reference, std::vector<float>(4, 0.0f)), 0, 1e-12);
}

TEST(Sqnr, OfNothingOrNoNumberIsNoNumber) {
  const float not_a_number = std::numeric_limits<float>::quiet_NaN();
  const float infinite = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(std::isnan(sqnr_decibels({}, {})));
  EXPECT_TRUE(std::isnan(sqnr_decibels(std::vector{1.0f, 2.0f}, std::vector{1.0f, not_a_number})));
  EXPECT_TRUE(std::isnan(sqnr_decibels(std::vector{1.0f, infinite}, std::vector{1.0f, 2.0f})));
  EXPECT_EQ(sqnr_decibels(std::vector{0.0f}, std::vector{1.0f}), -infinity);
}

TEST(EstimateDecibels, GivesTheJackknifesInterval) {
  // With NumPy and SciPy: leave-one-out values of 10 log10(sum(s) / sum(n)), t.ppf(0.975, 3) times the root
  // of (n - 1) / n * sum((v - mean(v))^2).
  const std::vector<Powers> samples = {{4, 0.1}, {5, 0.2}, {3, 0.05}, {6, 0.1}};
  const DecibelsEstimate estimate = estimate_decibels(samples);
  EXPECT_NEAR(estimate.decibels, 16.0205999, 1e-6);
  EXPECT_NEAR(estimate.low, 12.3065, 2e-3);
  EXPECT_NEAR(estimate.high, 19.7347, 2e-3);
}

TEST(EstimateDecibels, BoundsNothingWithOneSample) {
  const std::vector<Powers> one = {{1, 0.01}};
  EXPECT_NEAR(estimate_decibels(one).decibels, 20, 1e-9);
  EXPECT_EQ(estimate_decibels(one).low, -infinity);
  EXPECT_EQ(estimate_decibels(one).high, infinity);
  const std::vector<Powers> exact = {{1, 0}, {2, 0}};
  EXPECT_EQ(estimate_decibels(exact).low, infinity);
}

TEST(EstimateDecibels, HoldsTheTruthAsOftenAsItSays) {
  std::mt19937 random(5);
  std::normal_distribution<double> signal(0, 1), noise(0, 0.1);
  int held = 0;
  constexpr int trials = 1000;
  for (int trial = 0; trial < trials; ++trial) {
    std::vector<Powers> samples(20);
    for (Powers& sample : samples) {
      for (int i = 0; i < 10; ++i) sample.add(signal(random), noise(random));
    }
    const DecibelsEstimate estimate = estimate_decibels(samples);
    held += estimate.low <= 20 && 20 <= estimate.high ? 1 : 0;
  }
  EXPECT_GT(held, trials * 0.92);
  EXPECT_LT(held, trials * 0.98);
}

TEST(Sqnr, AccumulatesInDouble) {
  // A float sum would stop growing at 2^24 and show 10 log10(2^24 / 2^25) less.
  const std::vector<float> reference(1 << 25, 1.0f);
  std::vector<float> measured = reference;
  measured[0] = 2;
  EXPECT_NEAR(sqnr_decibels(reference, measured), 10 * std::log10(std::ldexp(1.0, 25)), 1e-9);
}

TEST(CentredSqnr, ForgetsWhatAllImagesShare) {
  // Three images, two classes: the offsets 100 and -7 don't count, nor does noise get centred.
  const std::vector<std::vector<float>> reference{{99, -7}, {100, -9}, {101, -5}};
  auto measured = reference;
  for (auto& image : measured) {
    for (float& value : image) value += 0.5f;
  }
  // Signal: 1 + 0 + 1 + 0 + 4 + 4 = 10; noise: 6 * 0.25.
  EXPECT_NEAR(centred_sqnr_decibels(reference, measured), 10 * std::log10(10 / 1.5), 1e-9);
  EXPECT_EQ(centred_sqnr_decibels(reference, reference), infinity);
  const std::span one(reference.data(), 1);
  EXPECT_EQ(centred_sqnr_decibels(one, std::span(measured.data(), 1)), -infinity);
  EXPECT_EQ(centred_sqnr_decibels(one, one), infinity);
  EXPECT_TRUE(std::isnan(centred_sqnr_decibels({}, {})));
}

TEST(ClopperPearson, MatchesTheIncompleteBetaFunction) {
  struct Case {
    int successes, trials;
    double confidence, low, high;
  };
  // The inverse of the regularized incomplete beta function at 40 digits (mpmath).
  const Case cases[] = {
      {20, 20, 0.95, 0.831566529016915, 1.0},
      {95, 100, 0.95, 0.887165088894537, 0.983568120817948},
      {0, 10, 0.95, 0.0, 0.308497107818761},
      {19, 20, 0.95, 0.751267237227972, 0.99873491050205},
      {487, 500, 0.95, 0.955949563143126, 0.98608506993714},
      {1, 1, 0.95, 0.025, 1.0},
      {50, 100, 0.99, 0.368861437358924, 0.631138562641076},
      {9990, 10000, 0.95, 0.998161735865789, 0.999520360276229},
  };
  for (const Case& c : cases) {
    const Interval interval = clopper_pearson(c.successes, c.trials, c.confidence);
    EXPECT_NEAR(interval.low, c.low, 1e-11) << c.successes << "/" << c.trials;
    EXPECT_NEAR(interval.high, c.high, 1e-11) << c.successes << "/" << c.trials;
  }
}

TEST(ClopperPearson, HasClosedFormsAtTheEndsAndIsSymmetric) {
  for (const std::int64_t trials : {1, 7, 250, 50'000, 1'000'000}) {
    const double bound = -std::expm1(std::log(0.025) / static_cast<double>(trials));  // 1 - 0.025^(1/trials)
    EXPECT_NEAR(clopper_pearson(0, trials).high, bound, 1e-7 * bound);
    EXPECT_EQ(clopper_pearson(0, trials).low, 0);
    EXPECT_EQ(clopper_pearson(trials, trials).high, 1);
    EXPECT_NEAR(clopper_pearson(trials, trials).low, 1 - bound, 1e-9);
  }
  for (int successes = 0; successes <= 30; ++successes) {
    const Interval interval = clopper_pearson(successes, 30);
    const Interval mirrored = clopper_pearson(30 - successes, 30);
    EXPECT_NEAR(interval.low, 1 - mirrored.high, 1e-12);
    EXPECT_LE(interval.low, successes / 30.0);
    EXPECT_GE(interval.high, successes / 30.0);
  }
  EXPECT_EQ(clopper_pearson(0, 0).low, 0);
  EXPECT_EQ(clopper_pearson(0, 0).high, 1);
}

TEST(ClopperPearson, CoversTheTruth) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  int covered = 0;
  constexpr int rounds = 2000;
  for (int round = 0; round < rounds; ++round) {
    const double truth = std::uniform_real_distribution(0.0, 1.0)(random);
    const int seen = std::binomial_distribution<int>(40, truth)(random);
    const Interval interval = clopper_pearson(seen, 40);
    covered += interval.low <= truth && truth <= interval.high;
  }
  EXPECT_GE(covered,
            rounds * 93 / 100);  // at least 95 % expected; 2 points are over four standard deviations
}

TEST(Argmax, TakesTheFirstOfTheLargest) {
  const float not_a_number = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(argmax(std::vector<float>{1, 3, 3, 2}), 1u);
  EXPECT_EQ(argmax(std::vector<float>{-2}), 0u);
  EXPECT_EQ(argmax(std::vector<float>{not_a_number, -5, not_a_number, -4}), 3u);
  EXPECT_EQ(argmax(std::vector<std::int8_t>{-128, 127, 127}), 1u);
}

TEST(Mcnemar, IsTheExactBinomialTest) {
  EXPECT_EQ(mcnemar(0, 0), 1);
  EXPECT_EQ(mcnemar(4, 4), 1);
  EXPECT_NEAR(mcnemar(0, 7), 0.015625, 1e-12);
  EXPECT_NEAR(mcnemar(8, 0), 0.0078125, 1e-12);
  EXPECT_NEAR(mcnemar(5, 15), 0.04138946533203125, 1e-12);  // 2 * 21700 / 2^20, counted by hand
  EXPECT_LT(mcnemar(0, 10000), 1e-300);
}

}  // namespace
}  // namespace calib8
