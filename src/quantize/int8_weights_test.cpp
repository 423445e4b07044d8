#include "quantize/int8_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "optimize/graph_builder.h"
#include "optimize/validate.h"

namespace calib8::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> stored_in(TfliteGraph& graph) {
  std::vector<std::string> stored;
  for (const StoredWeights& weights : store_weights_as_int8(graph)) {
    const char* use = weights.use == Int8Weights::widened         ? " widened"
                      : weights.use == Int8Weights::meet_integers ? " in integers"
                                                                  : " looked up";
    stored.push_back(weights.op + use);
  }
  return stored;
}

TEST(StoreWeightsAsInt8, EachOperatorGetsTheFormThatItsKernelsRunWell) {
  GraphBuilder b;
  const TensorId x = b.input({1, 8, 8, 32});
  tflite::DepthwiseConv2D depthwise;
  depthwise.depth_multiplier = 1;
  const TensorId a = b.emit(depthwise, {x, b.constant({1, 6, 6, 32}), b.constant({32})}, {1, 3, 3, 32});
  const TensorId few_products =
      b.emit(tflite::Conv2D{}, {a, b.constant({64, 3, 3, 32}), b.constant({64})}, {1, 1, 1, 64});
  const TensorId many_products =
      b.emit(tflite::Conv2D{}, {x, b.constant({64, 3, 3, 32}), b.constant({64})}, {1, 6, 6, 64});
  b.output(b.emit(tflite::FullyConnected{}, {few_products, b.constant({4, 64}), b.constant({4})}, {1, 4}));
  b.output(b.emit(tflite::FullyConnected{}, {few_products, b.constant({64, 64}), b.constant({64})}, {1, 64}));
  b.output(many_products);
  EXPECT_THAT(stored_in(b.graph), ElementsAre("DEPTHWISE_CONV_2D widened", "CONV_2D widened",
                                              "CONV_2D in integers", "FULLY_CONNECTED in integers"));
  EXPECT_THAT(validate(b.graph), IsEmpty());
}

TEST(StoreWeightsAsInt8, ATableIsLookedUpInInt8WhereOneScaleFitsItsRows) {
  const auto stored_with = [](float largest) {
    GraphBuilder b;
    const TensorId table = b.constant({64, 32}, -1, 1);
    std::vector<float> values(2048, 0.01f);
    values[5] = largest;
    b.graph[table].constant = Data::from_vector(std::move(values));
    TfliteTensor indices{"indices", DType::int32, {1, 4}, std::nullopt, std::nullopt};
    const TensorId i = b.graph.add_value(std::move(indices));
    b.graph.set_inputs({i});
    b.output(b.emit(tflite::Gather{}, {table, i}, {1, 4, 32}));
    const auto stored = stored_in(b.graph);
    EXPECT_THAT(validate(b.graph), IsEmpty());
    return stored;
  };
  EXPECT_THAT(stored_with(0.0125f), ElementsAre("GATHER looked up"));
  EXPECT_THAT(stored_with(0.3f), IsEmpty());
}

TEST(StoreWeightsAsInt8, SharedWeightsAreStoredOnce) {
  GraphBuilder b;
  const TensorId x = b.input({8, 64});
  const TensorId weights = b.constant({64, 64}), bias = b.constant({64});
  const TensorId y = b.emit(tflite::FullyConnected{}, {x, weights, bias}, {8, 64});
  b.output(b.emit(tflite::FullyConnected{}, {y, weights, bias}, {8, 64}));
  store_weights_as_int8(b.graph);
  const auto nodes = b.graph.nodes();
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(b.graph[nodes[0]].inputs[1], b.graph[nodes[1]].inputs[1]);
  EXPECT_EQ(b.graph[b.graph[nodes[0]].inputs[1]].quantization->scales.size(), 64u);
}

}  // namespace
}  // namespace calib8::testing
