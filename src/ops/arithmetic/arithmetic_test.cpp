#include "ops/arithmetic/arithmetic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

constexpr std::int64_t smallest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

TEST(Arithmetic, BroadcastsAsNumPyDoes) {
  const Tensor column = floats({2, 1}, {1, 2}), row = floats({3}, {10, 20, 30});
  const Tensor sum = folded(SingleNode("Add", {column, row}));
  EXPECT_EQ(sum.shape, (Shape{2, 3}));
  EXPECT_THAT(to_float(sum), ElementsAre(11, 21, 31, 12, 22, 32));
  EXPECT_THAT(folded_floats(SingleNode("Sub", {row, floats(Shape{}, {1})})), ElementsAre(9, 19, 29));
  EXPECT_THAT(folded_floats(SingleNode("Mul", {column, row})), ElementsAre(10, 20, 30, 20, 40, 60));
  EXPECT_EQ(folded(SingleNode("Mul", {floats({0, 1}, {}), row})).shape, (Shape{0, 3}));
}

TEST(Arithmetic, ComputesInFloat32) {
  const float third = 1.0f / 3.0f;
  EXPECT_THAT(folded_floats(SingleNode("Div", {floats({1, 1}), floats({3, 0})})),
              ElementsAre(third, std::numeric_limits<float>::infinity()));
  EXPECT_THAT(folded_floats(SingleNode("Add", {floats({16777216.0f}), floats({1.0f})})),
              ElementsAre(16777216.0f));
  EXPECT_THAT(folded_floats(SingleNode("Sqrt", {floats({2})})), ElementsAre(std::sqrt(2.0f)));
  EXPECT_THAT(folded_floats(SingleNode("Reciprocal", {floats({3})})), ElementsAre(third));
}

TEST(Arithmetic, IntegersWrapAndTruncate) {
  EXPECT_THAT(folded_ints(SingleNode("Div", {ints({7, -7, 7, smallest}), ints({2, 2, -2, -1})})),
              ElementsAre(3, -3, -3, smallest));
  EXPECT_THAT(folded_ints(SingleNode("Add", {ints({largest}), ints({1})})), ElementsAre(smallest));
  EXPECT_THAT(folded_ints(SingleNode("Mul", {ints({largest}), ints({2})})), ElementsAre(-2));
  EXPECT_THAT(folded_ints(SingleNode("Sub", {ints({smallest}), ints({1})})), ElementsAre(largest));
  EXPECT_THAT(folded_ints(SingleNode("Neg", {ints({smallest, 5})})), ElementsAre(smallest, -5));
  EXPECT_THAT(folded_ints(SingleNode("Abs", {ints({smallest, -5})})), ElementsAre(smallest, 5));
  const Tensor small = make_tensor<std::int32_t>({1}, {std::numeric_limits<std::int32_t>::max()});
  EXPECT_THAT(folded_ints(SingleNode("Add", {small, small})), ElementsAre(-2));
}

TEST(Arithmetic, RefusesIntegerDivisionByZero) {
  EXPECT_THROW(SingleNode("Div", {ints({1}), ints({0})}).fold(), Error);
  EXPECT_THROW(SingleNode("Mod", {ints({1}), ints({0})}).fold(), Error);
}

TEST(Arithmetic, ModuloHasTheDivisorsSign) {
  const Tensor a = ints({7, -7, 7, -7, smallest}), b = ints({3, 3, -3, -3, -1});
  EXPECT_THAT(folded_ints(SingleNode("Mod", {a, b})), ElementsAre(1, 2, -2, -1, 0));
  EXPECT_THAT(folded_ints(SingleNode("Mod", {a, b}, {{"fmod", std::int64_t{1}}})),
              ElementsAre(1, -1, 1, -1, 0));
}

TEST(Arithmetic, Powers) {
  EXPECT_THAT(folded_floats(SingleNode("Pow", {floats({2, 3, 4}), floats({2, 3, 0.5f})})),
              ElementsAre(4, 27, 2));
  EXPECT_THAT(folded_ints(SingleNode("Pow", {ints({2, -3, 2, 1, -1, 7}), ints({10, 3, -1, -5, -3, 0})})),
              ElementsAre(1024, -27, 0, 1, -1, 1));
  EXPECT_TRUE(SingleNode("Pow", {floats({2}), ints({2})}).fold().empty());
}

TEST(Arithmetic, ExtremesOfManyAndNaN) {
  const float nan = std::nanf("");
  EXPECT_THAT(folded_floats(SingleNode("Max", {floats({1, 5}), floats({2}), floats({0, 9})})),
              ElementsAre(2, 9));
  EXPECT_THAT(folded_ints(SingleNode("Min", {ints({1, 5}), ints({2, 2})})), ElementsAre(1, 2));
  for (const char* op : {"Max", "Min"}) {
    for (const float value : folded_floats(SingleNode(op, {floats({nan, 1}), floats({1, nan})}))) {
      EXPECT_TRUE(std::isnan(value)) << op;
    }
  }
}

TEST(Arithmetic, RoundsAndExponentiates) {
  EXPECT_THAT(folded_floats(SingleNode("Floor", {floats({-1.5f, 1.5f})})), ElementsAre(-2, 1));
  EXPECT_THAT(folded_floats(SingleNode("Ceil", {floats({-1.5f, 1.5f})})), ElementsAre(-1, 2));
  EXPECT_THAT(folded_floats(SingleNode("Exp", {floats({0})})), ElementsAre(1));
  EXPECT_THAT(folded_floats(SingleNode("Log", {floats({1})})), ElementsAre(0));
  EXPECT_THAT(folded_floats(SingleNode("Neg", {floats({0, 2})})), ElementsAre(-0.0f, -2));
}

TEST(Arithmetic, LeavesOtherTypesAndHugeResults) {
  const Tensor bytes{DType::uint8, {1}, Data::from_vector(std::vector<std::uint8_t>{1})};
  EXPECT_TRUE(SingleNode("Add", {bytes, bytes}).fold().empty());
  EXPECT_THROW(SingleNode("Add", {floats({1}), ints({1})}).fold(), Error);
  const Tensor column = counting_tensor({1 << 14, 1}), row = counting_tensor({1 << 14});
  EXPECT_TRUE(SingleNode("Add", {column, row}).fold().empty());
}

}  // namespace
}  // namespace calib8
