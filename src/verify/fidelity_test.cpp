#include "verify/fidelity.h"

#include <gtest/gtest.h>

#include <cmath>

namespace calib8 {
namespace {

using Rows = std::vector<std::vector<float>>;

/// Outputs [1, size] each, which are inputs, too.
TfliteGraph outputs_of_sizes(const std::vector<std::int64_t>& sizes) {
  TfliteGraph graph;
  std::vector<TensorId> outputs;
  for (const std::int64_t size : sizes) {
    outputs.push_back(graph.add_value({"x", DType::float32, {1, size}, std::nullopt, std::nullopt}));
    graph.output_names.push_back("output " + std::to_string(outputs.size()));
  }
  graph.set_inputs(outputs);
  graph.set_outputs(outputs);
  return graph;
}

/// [boxes of 2, score] joined on the last axis.
TfliteGraph boxes_and_score() {
  TfliteGraph graph;
  const TensorId boxes = graph.add_value({"boxes", DType::float32, {1, 2}, std::nullopt, std::nullopt});
  const TensorId logit = graph.add_value({"logit", DType::float32, {1, 1}, std::nullopt, std::nullopt});
  graph.set_inputs({boxes, logit});
  const TensorId score = graph.emit(tflite::Logistic{}, {logit}, "score", {1, 1});
  graph.set_outputs({graph.emit(tflite::Concatenation{1}, {boxes, score}, "all", {1, 3})});
  graph.output_names = {"all"};
  return graph;
}

TEST(Fidelity, TakesTheMeanOverSamplesOffTheSignal) {
  const TfliteGraph graph = outputs_of_sizes({1});
  // Around 100, the samples differ by 2 and the error is 0.1: 10 log10((1 + 1) / (0.01 + 0.01)) = 20.
  const auto outputs = measure_fidelity(graph, Rows{{99}, {101}}, Rows{{99.1f}, {100.9f}});
  EXPECT_NEAR(outputs.at(0).fidelity.sqnr.decibels, 20, 1e-3);
  EXPECT_FALSE(outputs[0].fidelity.dead);
}

TEST(Fidelity, OfOutputsThatDontVaryIsThatOfTheirValues) {
  const TfliteGraph graph = outputs_of_sizes({1});
  const auto outputs = measure_fidelity(graph, Rows{{100}, {100.01f}}, Rows{{101}, {101}});
  EXPECT_NEAR(outputs.at(0).fidelity.sqnr.decibels, 40, 0.1);
  EXPECT_FALSE(outputs[0].fidelity.dead) << "no int8 tensor tells 100 from 100.01";
  const auto single = measure_fidelity(graph, Rows{{100}}, Rows{{101}});
  EXPECT_NEAR(single.at(0).fidelity.sqnr.decibels, 40, 1e-3);
}

TEST(Fidelity, JudgesEachOutputByItself) {
  const auto outputs = measure_fidelity(outputs_of_sizes({2, 1}), Rows{{-1000, 0, 0}, {1000, 0, 1}},
                                        Rows{{-1000, 0, 0.5f}, {1000, 0, 0.5f}});
  EXPECT_EQ(outputs.at(0).name, "output 1");
  EXPECT_TRUE(std::isinf(outputs[0].fidelity.sqnr.decibels));
  EXPECT_TRUE(outputs.at(1).fidelity.dead);
  EXPECT_NEAR(outputs[1].fidelity.sqnr.decibels, 0, 1e-6);
}

TEST(Fidelity, FindsThePartThatAJoinLost) {
  const auto outputs = measure_fidelity(boxes_and_score(), Rows{{300, 20, 0.9f}, {10, 600, 0.1f}},
                                        Rows{{299, 21, 0}, {11, 601, 0}});
  ASSERT_EQ(outputs.at(0).parts.size(), 2u);
  const auto& [boxes, score] = std::tie(outputs[0].parts[0], outputs[0].parts[1]);
  EXPECT_GT(outputs[0].fidelity.sqnr.decibels, 40) << "the whole tells nothing of it";
  EXPECT_GT(boxes.fidelity.sqnr.decibels, 40);
  EXPECT_EQ(boxes.op, "");
  EXPECT_EQ(score.tensor, "score");
  EXPECT_EQ(score.op, "LOGISTIC");
  EXPECT_TRUE(score.fidelity.dead);
}

TEST(Fidelity, GivesTheCosineOfEmbeddingsAlone) {
  const TfliteGraph graph = outputs_of_sizes({2});
  const auto embedding = measure_fidelity(graph, Rows{{0.6f, -0.8f}, {-1, 0}}, Rows{{0.6f, -0.8f}, {0, 1}});
  EXPECT_NEAR(embedding.at(0).cosine.value(), 0.5, 1e-6);
  EXPECT_FALSE(measure_fidelity(graph, Rows{{1, 0}, {0, 1}}, Rows{{1, 0}, {0, 1}}).at(0).cosine)
      << "one-hot answers are a classifier's";
  EXPECT_FALSE(measure_fidelity(graph, Rows{{3, -4}}, Rows{{3, -4}}).at(0).cosine);
}

}  // namespace
}  // namespace calib8
