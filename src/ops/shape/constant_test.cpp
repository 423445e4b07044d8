#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

TEST(Constant, HoldsNumbers) {
  EXPECT_THAT(folded_floats(SingleNode("Constant", {}, {{"value", floats({1, 2})}})), ElementsAre(1, 2));
  EXPECT_EQ(folded(SingleNode("Constant", {}, {{"value_int", std::int64_t{7}}})).shape, Shape{});
  EXPECT_THAT(folded_floats(SingleNode("Constant", {}, {{"value_float", 0.5f}})), ElementsAre(0.5f));
  EXPECT_THAT(folded_ints(SingleNode("Constant", {}, {{"value_ints", Ints{1, 2}}})), ElementsAre(1, 2));
  EXPECT_THAT(folded_floats(SingleNode("Constant", {}, {{"value_floats", Floats{3}}})), ElementsAre(3));
  EXPECT_THROW(SingleNode("Constant", {}, {{"value_string", "x"}}).infer(), Error);
  EXPECT_THROW(SingleNode("Constant", {}, {{"value", 1.0f}}).infer(), Error);
}

TEST(ConstantOfShape, FillsAShape) {
  EXPECT_THAT(folded_floats(SingleNode("ConstantOfShape", {ints({3})})), ElementsAre(0, 0, 0));
  EXPECT_THAT(folded_ints(SingleNode("ConstantOfShape", {ints({1, 2})}, {{"value", ints({-1})}})),
              ElementsAre(-1, -1));
  EXPECT_EQ(folded(SingleNode("ConstantOfShape", {ints(Ints{})})).shape, Shape{});
  EXPECT_EQ(folded(SingleNode("ConstantOfShape", {ints({0, 5})})).shape, (Shape{0, 5}));
  EXPECT_TRUE(SingleNode("ConstantOfShape", {ints({1LL << 40})}).fold().empty());
  EXPECT_THROW(SingleNode("ConstantOfShape", {ints({-1})}).fold(), Error);
  EXPECT_THROW(SingleNode("ConstantOfShape", {ints({1})}, {{"value", ints({1, 2})}}).infer(), Error);
  EXPECT_EQ(inferred(SingleNode("ConstantOfShape", {static_type(DType::int64, {2})})),
            std::vector<Dimension>(2));
}

std::vector<Tensor> cast(const Tensor& tensor, std::int64_t to) {
  return SingleNode("Cast", {tensor}, {{"to", to}}).fold();
}

TEST(Cast, BetweenNumbers) {
  constexpr std::int64_t to_float32 = 1, to_uint8 = 2, to_int32 = 6, to_integer = 7, to_bool = 9;
  EXPECT_THAT(to_int64(cast(floats({-1.9f, 2.9f}), to_integer).at(0)), ElementsAre(-1, 2));
  EXPECT_THAT(to_float(cast(ints({16777217, -3}), to_float32).at(0)), ElementsAre(16777216.0f, -3));
  EXPECT_THAT(to_int64(cast(ints({1LL << 32, -1}), to_int32).at(0)), ElementsAre(0, -1));
  EXPECT_THAT(to_int64(cast(floats({0, 0.5f, -2}), to_bool).at(0)), ElementsAre(0, 1, 1));
  EXPECT_THAT(to_float(cast(booleans({2}, {1, 0}), to_float32).at(0)), ElementsAre(1, 0));
  EXPECT_THAT(to_int64(cast(floats({255.5f, -0.5f}), to_uint8).at(0)), ElementsAre(255, 0));
  const Tensor half{DType::float16, {1}, Data::from_vector(std::vector<std::uint16_t>{0x3e00})};
  EXPECT_THAT(to_float(cast(half, to_float32).at(0)), ElementsAre(1.5f));
}

TEST(Cast, LeavesWhatOnnxLeavesOpen) {
  EXPECT_TRUE(cast(floats({256}), 2).empty());
  EXPECT_TRUE(cast(floats({-1}), 2).empty());
  EXPECT_TRUE(cast(floats({std::nanf("")}), 7).empty());
  EXPECT_TRUE(cast(floats({9223372036854775808.0f}), 7).empty());
  EXPECT_THAT(to_int64(cast(floats({-9223372036854775808.0f}), 7).at(0)), ElementsAre(INT64_MIN));
  EXPECT_TRUE(cast(floats({1}), 16).empty());
  EXPECT_THROW(cast(floats({1}), 8), Error);
}

TEST(Cast, OfTheSameTypeIsTheInput) {
  SmallModel model;
  const auto x = model.input("x", Shape{2});
  const TfliteGraph graph = model.lower(model.node("Cast", "y", {x}, {{"to", std::int64_t{1}}}));
  EXPECT_EQ(graph.outputs()[0], graph.inputs()[0]);
  SmallModel other;
  const auto z = other.input("x", Shape{2});
  const TfliteGraph integers = other.lower(other.node("Cast", "y", {z}, {{"to", std::int64_t{7}}}));
  EXPECT_EQ(first<tflite::Cast>(integers).get_if<tflite::Cast>()->to, DType::int32);
}

Tensor number(std::int64_t value) {
  return ints(Shape{}, {value});
}
Tensor number(float value) {
  return floats(Shape{}, {value});
}

TEST(Range, Counts) {
  const auto range = [](auto start, auto limit, auto delta) {
    return SingleNode("Range", {number(start), number(limit), number(delta)});
  };
  using I = std::int64_t;
  EXPECT_THAT(folded_ints(range(I{2}, I{9}, I{3})), ElementsAre(2, 5, 8));
  EXPECT_THAT(folded_ints(range(I{3}, I{0}, I{-1})), ElementsAre(3, 2, 1));
  EXPECT_THAT(folded_ints(range(I{3}, I{0}, I{1})), ElementsAre());
  EXPECT_THAT(folded_ints(range(I{INT64_MIN}, I{INT64_MAX}, I{INT64_MAX})),
              ElementsAre(INT64_MIN, -1, INT64_MAX - 1));
  EXPECT_THAT(folded_floats(range(0.0f, 1.0f, 0.25f)), ElementsAre(0, 0.25f, 0.5f, 0.75f));
  EXPECT_TRUE(range(I{0}, I{INT64_MAX}, I{1}).fold().empty());
  EXPECT_THROW(range(I{0}, I{1}, I{0}).fold(), Error);
  EXPECT_EQ(range(I{0}, I{INT64_MAX}, I{1}).infer()[0].shape, std::vector<Dimension>(1));
  EXPECT_THROW(SingleNode("Range", {number(I{0}), number(1.0f), number(I{1})}).fold(), Error);
}

}  // namespace
}  // namespace calib8
