#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_models.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

TEST(BatchNormalization, IsAFactorAndAnOffsetPerChannel) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2, 4, 4});
  const auto y = model.node("BatchNormalization", "y",
                            {x, model.constant("scale", {2}, {2, 3}), model.constant("bias", {2}, {1, -1}),
                             model.constant("mean", {2}, {5, 6}), model.constant("variance", {2}, {3, 15})},
                            {{"epsilon", 1.0f}});
  EXPECT_EQ(model.shape_of(y), (Shape{1, 2, 4, 4}));
  const TfliteGraph graph = model.lower(y);
  EXPECT_THAT(operators_of(graph), ElementsAre("MUL", "ADD"));
  const TensorId factor = first<tflite::Mul>(graph).inputs[1], offset = first<tflite::Add>(graph).inputs[1];
  EXPECT_EQ(graph[factor].shape, (Shape{1, 2, 1, 1}));
  EXPECT_THAT(floats_of(graph, factor), ElementsAre(1.0f, 0.75f));
  EXPECT_THAT(floats_of(graph, offset), ElementsAre(1.0f - 5.0f, -1.0f - 6.0f * 0.75f));
}

TEST(BatchNormalization, RefusesTrainingAndOtherCounts) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2, 4, 4});
  const auto two = model.counting("two", {2}), three = model.counting("three", {3});
  const auto y = model.node("BatchNormalization", "y", {x, two, two, two, three});
  EXPECT_THROW(model.lower(y), Error);
  SmallModel other;
  const auto z = other.input("x", Shape{1, 2, 4, 4}), c = other.counting("two", {2});
  EXPECT_THROW(other.lower(other.node("BatchNormalization", "y", {z, c, c, c, c},
                                      {{"training_mode", std::int64_t{1}}})),
               Error);
}

}  // namespace
}  // namespace calib8
