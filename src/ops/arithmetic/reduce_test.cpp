#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

const OnnxType image{DType::float32,
                     std::vector<Dimension>{named("batch"), sized(8), sized(7), unknown_size}};
const Attributes drop = {{"keepdims", std::int64_t{0}}};

TEST(Reduce, InfersTypes) {
  EXPECT_EQ(inferred(SingleNode("ReduceMean", {image, ints({-1, 2})})),
            (std::vector<Dimension>{named("batch"), sized(8), sized(1), sized(1)}));
  EXPECT_EQ(inferred(SingleNode("ReduceMean", {image, ints({2, 3})}, drop)),
            (std::vector<Dimension>{named("batch"), sized(8)}));
  EXPECT_EQ(inferred(SingleNode("ReduceSum", {image}, drop)), std::vector<Dimension>{});
  const Attributes noop = {{"noop_with_empty_axes", std::int64_t{1}}};
  EXPECT_EQ(inferred(SingleNode("ReduceSum", {image}, noop)), *image.shape);
  EXPECT_EQ(inferred(SingleNode("ReduceMax", {image, static_type(DType::int64, {1})})),
            std::vector<Dimension>(4));
  EXPECT_FALSE(SingleNode("ReduceMax", {image, static_type(DType::int64, {1})}, drop).infer()[0].has_rank());
  EXPECT_THROW(SingleNode("ReduceMean", {image, ints({4})}).infer(), Error);
  EXPECT_THROW(SingleNode("ReduceMean", {image, ints({3, -1})}).infer(), Error);
}

TEST(Reduce, Folds) {
  const Tensor x = counting_tensor({2, 3});
  EXPECT_THAT(folded_floats(SingleNode("ReduceSum", {x, ints({0})})), ElementsAre(3, 5, 7));
  EXPECT_THAT(folded_floats(SingleNode("ReduceMean", {x, ints({1})}, drop)), ElementsAre(1, 4));
  EXPECT_THAT(folded_floats(SingleNode("ReduceMax", {x})), ElementsAre(5));
  EXPECT_THAT(folded_floats(SingleNode("ReduceMin", {floats({2, 2}, {-1, 4, 3, -9}), ints({1})})),
              ElementsAre(-1, -9));
  EXPECT_THAT(folded_ints(SingleNode("ReduceProd", {ints({2, 3, 7})}, drop)), ElementsAre(42));
  EXPECT_THAT(folded_ints(SingleNode("ReduceSum", {ints({INT64_MAX, 1})}, drop)), ElementsAre(INT64_MIN));
  EXPECT_THAT(folded_ints(SingleNode("ReduceMax", {ints({-5, -3})}, drop)), ElementsAre(-3));
  EXPECT_THAT(folded_floats(SingleNode("ReduceSum", {floats({0, 2}, {}), ints({0})})), ElementsAre(0, 0));
}

TEST(Reduce, SumsWithoutLosingSmallNumbers) {
  Floats values(1001, 1.0f);
  values[0] = 16777216.0f;  // 2^24: float32 sums would stop counting here
  EXPECT_THAT(folded_floats(SingleNode("ReduceSum", {floats(values)}, drop)), ElementsAre(16778216.0f));
}

TEST(Reduce, IsNotFoldedInOtherTypes) {
  EXPECT_TRUE(SingleNode("ReduceMean", {ints({1, 2})}).fold().empty());
  EXPECT_TRUE(SingleNode("ReduceMax", {floats({0}, {})}).fold().empty());
  const Tensor huge{DType::float32, {0, 1LL << 40}, {}};
  EXPECT_TRUE(SingleNode("ReduceSum", {huge, ints({0})}).fold().empty());
}

TEST(Reduce, LowersWithSortedAxes) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2, 3, 3});
  const auto axes = model.graph.add_constant("axes", ints({-1, 2}));
  const TfliteGraph graph = model.lower(model.node("ReduceMean", "y", {x, axes}));
  const TfliteOperator& mean = first<tflite::Mean>(graph);
  EXPECT_TRUE(mean.get_if<tflite::Mean>()->keep_dims);
  EXPECT_THAT(graph.constant_integers(mean.inputs[1]), ElementsAre(2, 3));
  EXPECT_EQ(graph[mean.inputs[1]].dtype, DType::int32);
  EXPECT_EQ(graph[mean.outputs[0]].shape, (Shape{1, 2, 1, 1}));
}

TEST(Reduce, LowersEachKind) {
  SmallModel model;
  const auto x = model.input("x", Shape{2, 3, 4, 5});
  const auto last = model.graph.add_constant("axes", ints({-1}));
  const auto a = model.node("ReduceSum", "a", {x, last}, drop);
  const auto b = model.node("ReduceMax", "b", {a, last}, drop);
  const TfliteGraph graph = model.lower(model.node("ReduceMin", "c", {b}, drop));
  EXPECT_THAT(operators_of(graph), ElementsAre("SUM", "REDUCE_MAX", "REDUCE_MIN"));
  EXPECT_THAT(graph.constant_integers(first<tflite::ReduceMin>(graph).inputs[1]), ElementsAre(0, 1));
  EXPECT_FALSE(first<tflite::Sum>(graph).get_if<tflite::Sum>()->keep_dims);
}

TEST(Reduce, NothingToReduceIsTheInput) {
  SmallModel model;
  const auto x = model.input("x", Shape{2, 3});
  const TfliteGraph graph =
      model.lower(model.node("ReduceSum", "y", {x}, {{"noop_with_empty_axes", std::int64_t{1}}}));
  EXPECT_EQ(graph.outputs()[0], graph.inputs()[0]);
}

TEST(Reduce, OnXnnpack) {
  const auto takes = [](tflite::Options options, float in, float out) {
    return SingleOperator(std::move(options), {{1, 4, 4, 2}}, {1, 1, 1, 2}, {in, out})
        .with({1, 2})
        .on_xnnpack();
  };
  EXPECT_TRUE(takes(tflite::Mean{}, 0, 0));
  EXPECT_TRUE(takes(tflite::Mean{}, 1, 0.5f));
  EXPECT_TRUE(takes(tflite::Sum{}, 1, 9));
  EXPECT_TRUE(takes(tflite::ReduceMax{}, 1, 1));
  EXPECT_FALSE(takes(tflite::ReduceMin{}, 1, 0.5f));
  EXPECT_FALSE(takes(tflite::Mean{}, 1, 0));
  EXPECT_EQ(SingleOperator(tflite::Mean{}, {{4}}, {}, {1, 1}).with({0}).version(), 2);
  EXPECT_EQ(rule_of(tflite::Mean{}).output, OutputRange::own_range);
  EXPECT_EQ(rule_of(tflite::ReduceMax{}).output, OutputRange::same_as_input);
}

}  // namespace
}  // namespace calib8
