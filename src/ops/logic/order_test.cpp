#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using Sizes = std::vector<Dimension>;

const OnnxType image{DType::float32, Sizes{named("n"), sized(3), sized(4)}};

TEST(Order, ArgMaxDropsOrKeepsItsAxis) {
  EXPECT_EQ(inferred(SingleNode("ArgMax", {image}, {{"axis", std::int64_t{1}}})),
            (Sizes{named("n"), sized(1), sized(4)}));
  EXPECT_EQ(
      inferred(SingleNode("ArgMin", {image}, {{"axis", std::int64_t{-1}}, {"keepdims", std::int64_t{0}}})),
      (Sizes{named("n"), sized(3)}));
  EXPECT_THROW(SingleNode("ArgMax", {image}, {{"axis", std::int64_t{3}}}).infer(), Error);
  SmallModel model;
  const auto x = model.input("x", Shape{2, 3});
  EXPECT_THROW(model.lower(model.node("ArgMax", "y", {x}, {{"select_last_index", std::int64_t{1}}})), Error);
}

TEST(Order, TopKGivesKOfAnAxis) {
  const SingleNode node("TopK", {image, ints({2})}, {{"axis", std::int64_t{1}}}, 2);
  const auto types = node.infer();
  ASSERT_EQ(types.size(), 2u);
  EXPECT_EQ(types[0].shape, (Sizes{named("n"), sized(2), sized(4)}));
  EXPECT_EQ(types[1].dtype, DType::int64);
  EXPECT_EQ(types[1].shape, types[0].shape);
}

TEST(Order, OneHotAddsAnAxis) {
  const OnnxType indices{DType::int64, Sizes{named("n"), sized(3)}};
  const Tensor values = floats({0, 1});
  EXPECT_EQ(inferred(SingleNode("OneHot", {indices, ints(Shape{}, {7}), values})),
            (Sizes{named("n"), sized(3), sized(7)}));
  EXPECT_EQ(
      inferred(SingleNode("OneHot", {indices, ints(Shape{}, {7}), values}, {{"axis", std::int64_t{0}}})),
      (Sizes{sized(7), named("n"), sized(3)}));
}

TEST(Order, SumsUpInBothDirections) {
  SmallModel model;
  const auto x = model.input("x", Shape{2, 3}), axis = model.graph.add_constant("axis", ints(Shape{}, {1}));
  const TfliteGraph graph = model.lower(
      model.node("CumSum", "y", {x, axis}, {{"reverse", std::int64_t{1}}, {"exclusive", std::int64_t{1}}}));
  const auto& op = *first<tflite::CumSum>(graph).get_if<tflite::CumSum>();
  EXPECT_TRUE(op.reverse);
  EXPECT_TRUE(op.exclusive);
}

TEST(Order, HardmaxIsOneHotOfTheFirstLargest) {
  SmallModel model;
  const TfliteGraph graph = model.lower(model.node("Hardmax", "y", {model.input("x", Shape{2, 3})}));
  EXPECT_THAT(operators_of(graph), Contains("ARG_MAX"));
  EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{2, 3}));
}

}  // namespace
}  // namespace calib8
