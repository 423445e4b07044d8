#include "recover/accuracy_goal.h"

#include <gtest/gtest.h>

#include <cmath>

namespace calib8 {
namespace {

using Rows = std::vector<std::vector<float>>;

/// One output of that shape; nothing computes it.
TfliteGraph with_output(Shape shape) {
  TfliteGraph graph;
  const TensorId y = graph.add_value({"y", DType::float32, std::move(shape), std::nullopt, std::nullopt});
  graph.set_outputs({y});
  graph.output_names = {"y"};
  return graph;
}

/// Signals of +-1 and errors of that size.
Rows off_by(const Rows& rows, float error) {
  Rows result = rows;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < rows[i].size(); ++j) result[i][j] += (i * 7 + j * 3) % 2 ? error : -error;
  }
  return result;
}

Rows signals(std::size_t samples, std::size_t values) {
  Rows rows(samples, std::vector<float>(values));
  for (std::size_t i = 0; i < samples; ++i) {
    for (std::size_t j = 0; j < values; ++j) rows[i][j] = (i + j) % 2 ? 1.0f : -1.0f;
  }
  return rows;
}

TEST(AccuracyGoal, AsksDecibelsOfEachOutput) {
  const TfliteGraph graph = with_output({1, 2, 2, 3});
  const Rows of_float = signals(8, 12);
  const AccuracyGoal goal{.min_sqnr = 20};
  const Standing good = compare_with_goal(goal, graph, of_float, off_by(of_float, 0.05f));
  EXPECT_TRUE(good.reached);
  ASSERT_EQ(good.needs.size(), 1u);
  EXPECT_NEAR(good.needs[0].noise, 0.0025, 1e-5);
  EXPECT_NEAR(good.needs[0].allowed, 0.01, 1e-3);
  EXPECT_FALSE(compare_with_goal(goal, graph, of_float, off_by(of_float, 0.2f)).reached);
  EXPECT_TRUE(compare_with_goal({}, graph, of_float, off_by(of_float, 0.2f)).reached) << "nothing is asked";
  EXPECT_NEAR(to_decibels(good.needs[0].noise), 26, 0.1);
}

TEST(AccuracyGoal, KeptAnswersAreEnough) {
  const TfliteGraph graph = with_output({1, 2, 2, 3});
  const Rows of_float = signals(8, 12), bad = off_by(of_float, 0.5f);
  AccuracyGoal goal{.min_sqnr = 20};
  goal.keeps_answers = [](const auto&, const auto&) { return true; };
  EXPECT_TRUE(compare_with_goal(goal, graph, of_float, bad).reached);
  goal.keeps_answers = [](const auto&, const auto&) { return false; };
  EXPECT_FALSE(compare_with_goal(goal, graph, of_float, bad).reached);
}

TEST(AccuracyGoal, AsksMoreWhereSamplesDiffer) {
  const TfliteGraph graph = with_output({1, 2, 2, 3});
  const Rows of_float = signals(8, 12);
  Rows of_quantized = off_by(of_float, 0.01f);
  of_quantized[3] = off_by(of_float, 0.2f)[3];
  const Standing standing = compare_with_goal({.min_sqnr = 20}, graph, of_float, of_quantized);
  EXPECT_LT(standing.needs[0].noise, 0.01) << "on average it is enough";
  EXPECT_LT(standing.needs[0].allowed, 0.007) << "but for one sample, and others may be like that";
}

TEST(AccuracyGoal, AsksClassesOfAClassifier) {
  const TfliteGraph graph = with_output({1, 4});
  Rows of_float(20, {0, 0, 0, 0});
  for (std::size_t i = 0; i < 20; ++i) of_float[i][i % 4] = 1;
  const AccuracyGoal goal{.min_agreement = 0.98, .min_sqnr = 60};
  EXPECT_TRUE(compare_with_goal(goal, graph, of_float, off_by(of_float, 0.05f)).reached) << "not decibels";
  Rows swapped = off_by(of_float, 0.02f);
  for (std::size_t i = 0; i < 5; ++i) {
    swapped[i] = {0.5f, 0.5f, 0.5f, 0.5f};
    swapped[i][(i + 1) % 4] = 0.51f;
  }
  const Standing standing = compare_with_goal(goal, graph, of_float, swapped);
  EXPECT_FALSE(standing.reached);
  EXPECT_LE(standing.needs[0].allowed, standing.needs[0].noise / 3) << "so that fewer change";
  EXPECT_TRUE(compare_with_goal({.min_sqnr = 60}, graph, of_float, swapped).reached)
      << "agreement isn't asked";
}

TEST(AccuracyGoal, IsMissedByNoNumbers) {
  const TfliteGraph graph = with_output({1, 2, 2, 3});
  const Rows of_float = signals(8, 12);
  Rows broken = of_float;
  broken[2][5] = NAN;
  const Standing standing = compare_with_goal({.min_sqnr = 20}, graph, of_float, broken);
  EXPECT_FALSE(standing.reached);
  EXPECT_TRUE(std::isinf(standing.needs[0].noise));
}

}  // namespace
}  // namespace calib8
