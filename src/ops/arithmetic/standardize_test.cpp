#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

TEST(Standardize, LayerNormalizationGivesItsStatisticsToo) {
  const OnnxType x{DType::float32, std::vector<Dimension>{named("n"), sized(3), sized(4)}};
  const SingleNode node("LayerNormalization", {x, floats({1, 1, 1, 1})}, {{"axis", std::int64_t{-1}}}, 3);
  const auto types = node.infer();
  ASSERT_EQ(types.size(), 3u);
  EXPECT_EQ(types[0], x);
  EXPECT_EQ(types[1].shape, (std::vector<Dimension>{named("n"), sized(3), sized(1)}));
}

TEST(Standardize, LayerNormalizationIsWrittenOut) {
  SmallModel model;
  const auto y = model.node("LayerNormalization", "y",
                            {model.input("x", Shape{2, 4}), model.constant("scale", {4}, {1, 2, 3, 4}),
                             model.constant("shift", {4}, {5, 6, 7, 8})});
  const TfliteGraph graph = model.lower(y);
  EXPECT_THAT(operators_of(graph),
              ElementsAre("MEAN", "SUB", "MUL", "MEAN", "ADD", "RSQRT", "MUL", "MUL", "ADD"));
  EXPECT_EQ(graph[first<tflite::Mean>(graph).outputs[0]].shape, (Shape{2, 1})) << "over the last dimension";
}

TEST(Standardize, InstanceNormalizationGoesOverPositions) {
  SmallModel model;
  const auto two = model.counting("two", {2});
  const TfliteGraph graph =
      model.lower(model.node("InstanceNormalization", "y", {model.input("x", Shape{1, 2, 3, 5}), two, two}));
  EXPECT_EQ(graph[first<tflite::Mean>(graph).outputs[0]].shape, (Shape{1, 2, 1, 1}));
  SmallModel flat;
  const auto c = flat.counting("two", {2});
  EXPECT_THROW(flat.lower(flat.node("InstanceNormalization", "y", {flat.input("x", Shape{1, 2}), c, c})),
               Error);
}

TEST(Standardize, AResponseOverManyChannelsIsRefused) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 4097, 1, 1});
  EXPECT_THROW(model.lower(model.node("LRN", "y", {x}, {{"size", std::int64_t{3}}})), Error);
}

}  // namespace
}  // namespace calib8
