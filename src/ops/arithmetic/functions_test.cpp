#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;

constexpr float nan = std::numeric_limits<float>::quiet_NaN(),
                infinity = std::numeric_limits<float>::infinity();

Ints truths(const SingleNode& node) {
  return to_int64(folded(node));
}

TEST(Functions, FoldOfConstants) {
  EXPECT_THAT(folded_floats(SingleNode("Floor", {floats({-1.5f, 2.5f})})), ElementsAre(-2, 2));
  EXPECT_THAT(folded_floats(SingleNode("Round", {floats({0.5f, 1.5f, -2.5f})})), ElementsAre(0, 2, -2));
  EXPECT_THAT(folded_floats(SingleNode("Erf", {floats({0, 1})})),
              ElementsAre(0, FloatNear(0.842700793f, 1e-6f)));
  EXPECT_THAT(folded_ints(SingleNode("Mod", {ints({-7, 7}), ints({3, -3})})), ElementsAre(2, -2));
  EXPECT_THAT(folded_ints(SingleNode("Mod", {ints({-7, 7}), ints({3, -3})}, {{"fmod", std::int64_t{1}}})),
              ElementsAre(-1, 1));
}

TEST(Functions, TellWhatIsNoNumber) {
  const Tensor x = floats({1, nan, infinity, -infinity});
  EXPECT_THAT(truths(SingleNode("IsNaN", {x})), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(truths(SingleNode("IsInf", {x})), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(truths(SingleNode("IsInf", {x}, {{"detect_negative", std::int64_t{0}}})),
              ElementsAre(0, 0, 1, 0));
  EXPECT_THAT(truths(SingleNode("IsInf", {x}, {{"detect_positive", std::int64_t{0}}})),
              ElementsAre(0, 0, 0, 1));
}

TEST(Functions, WhatIsNoNumberIsUnequalToItself) {
  SmallModel model;
  const TfliteGraph graph = model.lower(model.node("IsNaN", "y", {model.input("x", Shape{2})}));
  EXPECT_THAT(operators_of(graph), ElementsAre("NOT_EQUAL"));
  const TfliteOperator& op = first<tflite::NotEqual>(graph);
  EXPECT_EQ(op.inputs[0], op.inputs[1]);
  EXPECT_EQ(graph[op.outputs[0]].dtype, DType::boolean);
}

}  // namespace
}  // namespace calib8
