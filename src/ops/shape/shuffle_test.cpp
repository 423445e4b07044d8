#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

using Sizes = std::vector<Dimension>;
Attributes blocks(std::int64_t size, const std::string& mode = "DCR") {
  return {{"blocksize", size}, {"mode", mode}};
}

TEST(Shuffle, Infers) {
  const OnnxType deep{DType::float32, Sizes{named("batch"), sized(12), sized(3), unknown_size}};
  EXPECT_EQ(inferred(SingleNode("DepthToSpace", {deep}, blocks(2))),
            (Sizes{named("batch"), sized(3), sized(6), unknown_size}));
  const OnnxType wide{DType::float32, Sizes{named("batch"), sized(3), sized(6), sized(4)}};
  EXPECT_EQ(inferred(SingleNode("SpaceToDepth", {wide}, blocks(2))),
            (Sizes{named("batch"), sized(12), sized(3), sized(2)}));
  EXPECT_THROW(SingleNode("DepthToSpace", {wide}, blocks(2)).infer(), Error);
  EXPECT_THROW(SingleNode("SpaceToDepth", {wide}, blocks(4)).infer(), Error);
  EXPECT_THROW(SingleNode("SpaceToDepth", {wide}, blocks(0)).infer(), Error);
  EXPECT_THROW(SingleNode("SpaceToDepth", {wide}, blocks(INT64_MAX)).infer(), Error);
}

TfliteGraph lowered(const std::string& op, const Shape& shape, const Attributes& attributes) {
  SmallModel model;
  return model.lower(model.node(op, "y", {model.input("x", shape)}, attributes));
}

TEST(Shuffle, LowersBetweenTransposes) {
  const TfliteGraph graph = lowered("DepthToSpace", {1, 12, 3, 5}, blocks(2));
  EXPECT_THAT(operators_of(graph), ElementsAre("TRANSPOSE", "DEPTH_TO_SPACE", "TRANSPOSE"));
  EXPECT_EQ(first<tflite::DepthToSpace>(graph).get_if<tflite::DepthToSpace>()->block_size, 2);
  EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{1, 3, 6, 10}));
  EXPECT_THAT(operators_of(lowered("SpaceToDepth", {1, 3, 6, 10}, blocks(2))),
              ElementsAre("TRANSPOSE", "SPACE_TO_DEPTH", "TRANSPOSE"));
}

TEST(Shuffle, ReordersChannelsForCrd) {
  const TfliteGraph graph = lowered("DepthToSpace", {1, 12, 3, 5}, blocks(2, "CRD"));
  EXPECT_THAT(operators_of(graph),
              ElementsAre("RESHAPE", "TRANSPOSE", "RESHAPE", "TRANSPOSE", "DEPTH_TO_SPACE", "TRANSPOSE"));
  EXPECT_THAT(graph.constant_integers(first<tflite::Transpose>(graph).inputs[1]), ElementsAre(0, 2, 1, 3, 4));
  // One output channel has no order.
  EXPECT_EQ(operators_of(lowered("DepthToSpace", {1, 4, 3, 5}, blocks(2, "CRD"))).size(), 3u);
  EXPECT_THROW(lowered("DepthToSpace", {1, 12, 3, 5}, blocks(2, "RCD")), Error);
}

TEST(Shuffle, OnXnnpack) {
  const auto takes = [](tflite::Options options, float in, float out) {
    return SingleOperator(std::move(options), {{1, 2, 2, 4}}, {1, 4, 4, 1}, {in, out}).on_xnnpack();
  };
  EXPECT_TRUE(takes(tflite::DepthToSpace{2}, 0, 0));
  EXPECT_TRUE(takes(tflite::SpaceToDepth{2}, 1, 1));
  EXPECT_FALSE(takes(tflite::DepthToSpace{2}, 1, 2));
  EXPECT_EQ(SingleOperator(tflite::DepthToSpace{2}, {{1}}, {1}, {1, 1}).version(), 2);
}

}  // namespace
}  // namespace calib8
