#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

using Sizes = std::vector<Dimension>;
Attributes along(std::int64_t axis) {
  return {{"axis", axis}};
}

TEST(Gather, Infers) {
  const OnnxType x{DType::float32, Sizes{named("batch"), sized(7), sized(3)}};
  EXPECT_EQ(inferred(SingleNode("Gather", {x, ints(Shape{}, {1})}, along(1))),
            (Sizes{named("batch"), sized(3)}));
  EXPECT_EQ(inferred(SingleNode("Gather", {x, ints({2, 2}, {0, 1, 2, 3})}, along(-1))),
            (Sizes{named("batch"), sized(7), sized(2), sized(2)}));
  EXPECT_THROW(SingleNode("Gather", {x, ints({0})}, along(3)).infer(), Error);
}

TEST(Gather, Folds) {
  const Tensor x = counting_tensor({2, 3});
  EXPECT_THAT(folded_floats(SingleNode("Gather", {x, ints({2, -3, 2})}, along(1))),
              ElementsAre(2, 0, 2, 5, 3, 5));
  EXPECT_THAT(folded_floats(SingleNode("Gather", {x, ints(Shape{}, {-1})})), ElementsAre(3, 4, 5));
  EXPECT_THAT(folded_ints(SingleNode("Gather", {ints({8, 9}), ints({1, 2}, {1, 0})})), ElementsAre(9, 8));
  EXPECT_EQ(folded(SingleNode("Gather", {Tensor{DType::float32, {1LL << 40, 0}, {}}, ints({5})})).shape,
            (Shape{1, 0}));
  EXPECT_THROW(SingleNode("Gather", {x, ints({2})}).fold(), Error);
  EXPECT_THROW(SingleNode("Gather", {x, ints({-3})}).fold(), Error);
}

TfliteGraph lowered_gather(const Tensor& indices) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 5, 2});
  return model.lower(model.node("Gather", "y", {x, model.graph.add_constant("i", indices)}, along(1)));
}

TEST(Gather, LowersToSlice) {
  const TfliteGraph one = lowered_gather(ints(Shape{}, {-2}));
  EXPECT_THAT(operators_of(one), ElementsAre("SLICE", "RESHAPE"));
  EXPECT_THAT(one.constant_integers(first<tflite::Slice>(one).inputs[1]), ElementsAre(0, 3, 0));
  EXPECT_EQ(one[one.outputs()[0]].shape, (Shape{1, 2}));
  const TfliteGraph range = lowered_gather(ints({1, 2, 3}));
  EXPECT_THAT(operators_of(range), ElementsAre("SLICE"));
  EXPECT_EQ(range[range.outputs()[0]].shape, (Shape{1, 3, 2}));
}

TEST(Gather, JoinsFewStretchesAndGathersMany) {
  const TfliteGraph few = lowered_gather(ints({3, 0, 1}));
  EXPECT_THAT(operators_of(few), ElementsAre("SLICE", "SLICE", "CONCATENATION"));
  const TfliteGraph many = lowered_gather(ints({-1, 0, 2, 0, 2, 0}));
  EXPECT_THAT(operators_of(many), ElementsAre("GATHER"));
  EXPECT_THAT(many.constant_integers(first<tflite::Gather>(many).inputs[1]), ElementsAre(4, 0, 2, 0, 2, 0));
  const TfliteGraph table = lowered_gather(ints({2, 2}, {1, 3, 0, 2}));
  EXPECT_EQ(table[table.outputs()[0]].shape, (Shape{1, 2, 2, 2}));
}

}  // namespace
}  // namespace calib8
