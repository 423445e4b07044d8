#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

TEST(Compare, Numbers) {
  const Tensor a = ints({1, 2, 3}), two = ints(Shape{}, {2});
  EXPECT_THAT(folded_ints(SingleNode("Equal", {a, two})), ElementsAre(0, 1, 0));
  EXPECT_THAT(folded_ints(SingleNode("Less", {a, two})), ElementsAre(1, 0, 0));
  EXPECT_THAT(folded_ints(SingleNode("LessOrEqual", {a, two})), ElementsAre(1, 1, 0));
  EXPECT_THAT(folded_ints(SingleNode("Greater", {a, two})), ElementsAre(0, 0, 1));
  EXPECT_THAT(folded_ints(SingleNode("GreaterOrEqual", {a, two})), ElementsAre(0, 1, 1));
  EXPECT_THAT(folded_ints(SingleNode("Less", {floats({1, 3}), floats({2})})), ElementsAre(1, 0));
  EXPECT_THAT(folded_ints(SingleNode("Less", {ints({INT64_MAX - 1}), ints({INT64_MAX})})), ElementsAre(1));
  EXPECT_THROW(SingleNode("Equal", {a, floats({1})}).infer(), Error);
}

TEST(Compare, Logic) {
  const Tensor a = booleans({4}, {0, 0, 1, 1}), b = booleans({4}, {0, 1, 0, 1});
  EXPECT_THAT(folded_ints(SingleNode("And", {a, b})), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(folded_ints(SingleNode("Or", {a, b})), ElementsAre(0, 1, 1, 1));
  EXPECT_THAT(folded_ints(SingleNode("Not", {a})), ElementsAre(1, 1, 0, 0));
  EXPECT_THAT(folded_ints(SingleNode("Equal", {a, b})), ElementsAre(1, 0, 0, 1));
}

TEST(Compare, WhereChooses) {
  const Tensor condition = booleans({2, 1}, {1, 0});
  const Tensor chosen = folded(SingleNode("Where", {condition, ints({1, 2, 3}), ints(Shape{}, {9})}));
  EXPECT_EQ(chosen.shape, (Shape{2, 3}));
  EXPECT_THAT(to_int64(chosen), ElementsAre(1, 2, 3, 9, 9, 9));
  EXPECT_THROW(SingleNode("Where", {ints({1}), ints({1}), ints({1})}).infer(), Error);
  EXPECT_THROW(SingleNode("Where", {condition, ints({1}), floats({1})}).infer(), Error);
}

TEST(Compare, InfersBooleans) {
  const OnnxType x{DType::float32, std::vector<Dimension>{named("batch"), sized(3)}};
  const OnnxType result = SingleNode("Greater", {x, floats({0})}).infer()[0];
  EXPECT_EQ(result.dtype, DType::boolean);
  EXPECT_EQ(result.shape, x.shape);
}

}  // namespace
}  // namespace calib8
