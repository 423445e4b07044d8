#include "recover/layer_search.h"

#include <gtest/gtest.h>

#include <numeric>

namespace calib8 {
namespace {

/// Errors of operators that add up, for one need.
LayerSearch::Probe adding_up(const std::vector<double>& harms) {
  return [harms](std::size_t first, std::size_t count) {
    const auto begin = harms.begin() + static_cast<std::ptrdiff_t>(first);
    return std::vector{std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(count), 0.0)};
  };
}

TEST(LayerSearch, FindsTheOneOperatorThatHarms) {
  std::vector<double> harms(100, 1e-6);
  harms[37] = 0.5;
  LayerSearch search(std::vector<double>(100, 1.0), adding_up(harms));
  const auto chosen = search.choose({0.01}, 24);
  ASSERT_EQ(chosen.size(), 1u);
  EXPECT_EQ(chosen[0].first, 37u);
  EXPECT_EQ(chosen[0].count, 1u);
  EXPECT_DOUBLE_EQ(chosen[0].harm[0], 0.5);
  EXPECT_LE(search.probes(), 15u) << "one, and two for each halving";
}

TEST(LayerSearch, LeavesAloneWhatIsGoodEnough) {
  LayerSearch search({1, 1}, adding_up({0.001, 0.001}));
  EXPECT_TRUE(search.choose({0.01}, 24).empty());
  EXPECT_EQ(search.probes(), 1u);
}

TEST(LayerSearch, KeepsToItsProbes) {
  LayerSearch search(std::vector<double>(1000, 1.0), adding_up(std::vector<double>(1000, 0.001)));
  const auto chosen = search.choose({0.1}, 9);
  EXPECT_EQ(search.probes(), 9u);
  double left = 1;
  for (const Stretch& stretch : chosen) left -= stretch.harm[0];
  EXPECT_LE(left, 0.1 + 1e-12) << "coarsely, but enough";
  EXPECT_LT(search.choose({0.5}, 9).size(), chosen.size());
  EXPECT_EQ(search.probes(), 9u);
}

TEST(ChooseFloat, TakesWhatGainsMostForItsCost) {
  const std::vector<Stretch> stretches = {
      {0, 1, {0.05}, 10}, {1, 1, {0.04}, 1}, {2, 1, {0.001}, 0.1}, {3, 1, {0.002}, 5}};
  EXPECT_EQ(choose_float(stretches, {0.06}), (std::vector<bool>{false, true, false, false}));
  EXPECT_EQ(choose_float(stretches, {0.01}), (std::vector<bool>{true, true, false, false}));
  EXPECT_EQ(choose_float(stretches, {0.2}), (std::vector<bool>(4, false)));
  EXPECT_EQ(choose_float(stretches, {0.0}), (std::vector<bool>(4, true)));
}

TEST(ChooseFloat, DropsWhatALaterOneMakesNeedless) {
  // The cheap one comes first and isn't enough; the dear one alone is.
  EXPECT_EQ(choose_float({{0, 1, {0.05}, 2}, {1, 1, {0.5}, 10}}, {0.06}), (std::vector<bool>{false, true}));
}

TEST(ChooseFloat, HeedsEachNeed) {
  const std::vector<Stretch> stretches = {
      {0, 1, {0.5, 0}, 1}, {1, 1, {0, 0.3}, 1}, {2, 1, {0.001, 0.001}, 1}};
  EXPECT_EQ(choose_float(stretches, {0.01, 0.01}), (std::vector<bool>{true, true, false}));
  EXPECT_EQ(choose_float(stretches, {0.01, 1}), (std::vector<bool>{true, false, false}));
}

}  // namespace
}  // namespace calib8
