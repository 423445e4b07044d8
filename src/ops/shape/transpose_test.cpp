#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

TEST(Transpose, Infers) {
  const OnnxType x{DType::float32, std::vector<Dimension>{named("batch"), sized(4), sized(7)}};
  EXPECT_EQ(inferred(SingleNode("Transpose", {x}, {{"perm", Ints{0, 2, 1}}})),
            (std::vector<Dimension>{named("batch"), sized(7), sized(4)}));
  EXPECT_EQ(inferred(SingleNode("Transpose", {x})),
            (std::vector<Dimension>{sized(7), sized(4), named("batch")}));
  for (const Ints& perm : {Ints{0, 1}, Ints{0, 1, 1}, Ints{0, 1, 3}, Ints{0, 1, -1}}) {
    EXPECT_THROW(SingleNode("Transpose", {x}, {{"perm", perm}}).infer(), Error);
  }
}

TEST(Transpose, Folds) {
  EXPECT_THAT(folded_floats(SingleNode("Transpose", {counting_tensor({2, 3})})),
              ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(folded_floats(SingleNode("Transpose", {counting_tensor({1, 2, 3})}, {{"perm", Ints{2, 0, 1}}})),
              ElementsAre(0, 3, 1, 4, 2, 5));
}

TEST(Transpose, Lowers) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2, 3});
  const auto y = model.node("Transpose", "y", {x}, {{"perm", Ints{0, 2, 1}}});
  const auto z = model.node("Transpose", "z", {y}, {{"perm", Ints{0, 1, 2}}});
  const TfliteGraph graph = model.lower(z);
  EXPECT_THAT(operators_of(graph), ElementsAre("TRANSPOSE"));
  EXPECT_THAT(graph.constant_integers(first<tflite::Transpose>(graph).inputs[1]), ElementsAre(0, 2, 1));
  EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{1, 3, 2}));
}

TEST(Transpose, VersionsAndXnnpack) {
  const auto op = [](std::size_t rank, float in, float out) {
    return SingleOperator(tflite::Transpose{}, {Shape(rank, 1)}, Shape(rank, 1), {in, out})
        .with(std::vector<std::int32_t>(rank));
  };
  EXPECT_EQ(op(4, 0, 0).version(), 1);
  EXPECT_EQ(op(4, 1, 1).version(), 2);
  EXPECT_EQ(op(5, 1, 1).version(), 4);
  EXPECT_EQ(op(6, 0, 0).version(), 6);
  EXPECT_TRUE(op(6, 1, 1).on_xnnpack());
  EXPECT_FALSE(op(7, 1, 1).on_xnnpack());
  EXPECT_FALSE(op(4, 1, 2).on_xnnpack());
}

}  // namespace
}  // namespace calib8
