#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using Sizes = std::vector<Dimension>;

/// Of 5 inputs and 3 hidden units.
struct Layer : SmallModel {
  Shape x{4, 2, 5};
  std::int64_t directions = 1;

  OnnxValueId emit(const std::string& op, std::int64_t gates, Attributes attributes = {}) {
    attributes["hidden_size"] = std::int64_t{3};
    return node(
        op, "y",
        {input("x", x), counting("w", {directions, gates * 3, 5}), counting("r", {directions, gates * 3, 3})},
        std::move(attributes));
  }
};

TEST(Recurrent, InfersStepsDirectionsAndStates) {
  const OnnxType x{DType::float32, Sizes{sized(4), named("n"), sized(5)}};
  const Tensor w = counting_tensor({2, 12, 5}), r = counting_tensor({2, 12, 3});
  const Attributes both{{"hidden_size", std::int64_t{3}}, {"direction", std::string("bidirectional")}};
  const auto types = SingleNode("LSTM", {x, w, r}, both, 3).infer();
  ASSERT_EQ(types.size(), 3u);
  EXPECT_EQ(types[0].shape, (Sizes{sized(4), sized(2), named("n"), sized(3)}));
  EXPECT_EQ(types[1].shape, (Sizes{sized(2), named("n"), sized(3)}));
  EXPECT_EQ(types[2].shape, types[1].shape);
}

TEST(Recurrent, OneProductWithTheInputsForAllSteps) {
  for (const auto& [op, gates] : {std::pair{"LSTM", 4}, {"GRU", 3}, {"RNN", 1}}) {
    Layer layer;
    const auto y = layer.emit(op, gates);
    const TfliteGraph graph = layer.lower(y);
    EXPECT_EQ(graph[graph.outputs()[0]].shape, layer.shape_of(y)) << op;
    EXPECT_EQ(graph[first<tflite::FullyConnected>(graph).outputs[0]].shape, (Shape{4, 2, gates * 3})) << op;
  }
}

TEST(Recurrent, StepsShareTheirWeights) {
  Layer layer;
  const TfliteGraph graph = layer.lower(layer.emit("LSTM", 4));
  std::vector<TensorId> weights;
  for (const OperatorId id : graph.nodes()) {
    if (graph[id].is<tflite::FullyConnected>()) weights.push_back(graph[id].inputs[1]);
  }
  std::ranges::sort(weights);
  weights.erase(std::unique(weights.begin(), weights.end()), weights.end());
  EXPECT_EQ(weights.size(), 2u) << "those of the inputs and those of the state";
}

TEST(Recurrent, RefusesWhatItCannotWriteDown) {
  Layer unknown;
  EXPECT_THROW(unknown.lower(unknown.emit("RNN", 1, {{"activations", std::vector<std::string>{"Mystery"}}})),
               Error);
  Layer wrong;
  wrong.directions = 2;  // and forward alone
  EXPECT_THROW(wrong.lower(wrong.emit("GRU", 3)), Error);
}

}  // namespace
}  // namespace calib8
