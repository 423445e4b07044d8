#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

using Sizes = std::vector<Dimension>;

TEST(Pad, Infers) {
  const OnnxType x{DType::float32, Sizes{named("batch"), sized(7), named("w")}};
  EXPECT_EQ(inferred(SingleNode("Pad", {x, ints({0, 1, 2, 0, -3, 0})})),
            (Sizes{named("batch"), sized(5), unknown_size}));
  EXPECT_EQ(inferred(SingleNode("Pad", {x, ints({4, 5}), std::monostate{}, ints({1})})),
            (Sizes{named("batch"), sized(16), named("w")}));
  EXPECT_EQ(inferred(SingleNode("Pad", {x, static_type(DType::int64, {6})})), Sizes(3));
  EXPECT_THROW(SingleNode("Pad", {x, ints({0, 1, 2})}).infer(), Error);
  EXPECT_THROW(SingleNode("Pad", {x, ints({0, -8, 0, 0, 0, 0})}).infer(), Error);
  EXPECT_THROW(SingleNode("Pad", {x, ints({0, INT64_MIN, 0, 0, 0, 0})}).infer(), Error);
}

TEST(Pad, Folds) {
  const Tensor x = floats({1, 2}, {1, 2});
  EXPECT_THAT(folded_floats(SingleNode("Pad", {x, ints({1, 1, 0, 2}), floats(Shape{}, {9})})),
              ElementsAre(9, 9, 9, 9, 9, 9, 1, 2, 9, 9));
  EXPECT_THAT(folded_ints(SingleNode("Pad", {ints({5}), ints({0, 1})})), ElementsAre(5, 0));
  EXPECT_TRUE(SingleNode("Pad", {x, ints({0, 0, 0, 1})}, {{"mode", "reflect"}}).fold().empty());
  EXPECT_TRUE(SingleNode("Pad", {ints({5}), ints({0, 1LL << 39})}).fold().empty());
}

TfliteGraph lowered_pad(const Ints& pads, float value, const std::string& mode = "constant") {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2, 3, 3});
  const auto amounts = model.graph.add_constant("pads", ints(pads));
  return model.lower(
      model.node("Pad", "y", {x, amounts, model.constant("value", {}, {value})}, {{"mode", mode}}));
}

TEST(Pad, Lowers) {
  const TfliteGraph zero = lowered_pad({0, 0, 1, 2, 0, 0, 3, 4}, 0);
  const TfliteOperator& pad = first<tflite::Pad>(zero);
  EXPECT_EQ(zero[pad.inputs[1]].shape, (Shape{4, 2}));
  EXPECT_THAT(zero.constant_integers(pad.inputs[1]), ElementsAre(0, 0, 0, 0, 1, 3, 2, 4));
  EXPECT_EQ(zero[pad.outputs[0]].shape, (Shape{1, 2, 7, 9}));
  const TfliteGraph other = lowered_pad({0, 0, 1, 1, 0, 0, 1, 1}, -1);
  EXPECT_THAT(floats_of(other, first<tflite::PadV2>(other).inputs[2]), ElementsAre(-1));
  EXPECT_EQ(lowered_pad(Ints(8), 0).node_count(), 0u);
  EXPECT_THAT(operators_of(lowered_pad({0, 0, -1, 0, 0, 0, 0, 0}, 0)), ElementsAre("SLICE"));
  EXPECT_THAT(operators_of(lowered_pad({0, 0, -1, 2, 0, 0, 0, 0}, 0)), ElementsAre("SLICE", "PAD"));
  EXPECT_THROW(lowered_pad({0, 0, 1, 1, 0, 0, 1, 1}, 0, "mirror"), Error);
}

TEST(Pad, MirrorsRepeatsAndWraps) {
  EXPECT_THAT(operators_of(lowered_pad({0, 0, 1, 1, 0, 0, 1, 1}, 0, "reflect")), ElementsAre("MIRROR_PAD"));
  // One reflection adds less than there is.
  EXPECT_THAT(operators_of(lowered_pad({0, 0, 5, 0, 0, 0, 0, 0}, 0, "reflect")),
              ElementsAre("MIRROR_PAD", "MIRROR_PAD"));
  EXPECT_THAT(operators_of(lowered_pad({0, 0, 2, 0, 0, 0, 0, 0}, 0, "edge")),
              ElementsAre("SLICE", "TILE", "CONCATENATION"));
  EXPECT_THAT(operators_of(lowered_pad({0, 0, 2, 0, 0, 0, 1, 0}, 0, "wrap")),
              ElementsAre("SLICE", "SLICE", "CONCATENATION"));
}

TEST(Expand, InfersAndFolds) {
  const OnnxType x{DType::float32, Sizes{named("batch"), sized(1)}};
  EXPECT_EQ(inferred(SingleNode("Expand", {x, ints({5, 1, 4})})),
            (Sizes{sized(5), named("batch"), sized(4)}));
  EXPECT_THAT(folded_floats(SingleNode("Expand", {floats({2, 1}, {1, 2}), ints({1, 2})})),
              ElementsAre(1, 1, 2, 2));
  EXPECT_TRUE(SingleNode("Expand", {floats({1}), ints({1LL << 40})}).fold().empty());
  EXPECT_THROW(SingleNode("Expand", {floats({1, 2}), ints({3})}).infer(), Error);
}

TEST(Expand, MultipliesByOnes) {
  SmallModel model;
  const auto x = model.input("x", Shape{2, 1, 1});
  const auto y = model.node("Expand", "y", {x, model.graph.add_constant("shape", ints({1, 2, 3, 1}))});
  const TfliteGraph graph = model.lower(y);
  EXPECT_THAT(operators_of(graph), ElementsAre("RESHAPE", "MUL"));
  const TfliteOperator& mul = first<tflite::Mul>(graph);
  EXPECT_EQ(graph[mul.inputs[1]].shape, (Shape{1, 1, 3, 1}));
  EXPECT_THAT(floats_of(graph, mul.inputs[1]), ElementsAre(1, 1, 1));
  EXPECT_EQ(graph[mul.outputs[0]].shape, (Shape{1, 2, 3, 1}));
}

TEST(Tile, InfersAndFolds) {
  const OnnxType x{DType::float32, Sizes{named("batch"), sized(2)}};
  EXPECT_EQ(inferred(SingleNode("Tile", {x, ints({1, 3})})), (Sizes{named("batch"), sized(6)}));
  EXPECT_EQ(inferred(SingleNode("Tile", {x, ints({2, 1})})), (Sizes{unknown_size, sized(2)}));
  EXPECT_THAT(folded_floats(SingleNode("Tile", {floats({2, 2}, {1, 2, 3, 4}), ints({2, 2})})),
              ElementsAre(1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4));
  EXPECT_THROW(SingleNode("Tile", {x, ints({1})}).infer(), Error);
  EXPECT_THROW(SingleNode("Tile", {x, ints({1, -1})}).infer(), Error);
  EXPECT_TRUE(SingleNode("Tile", {floats({1}), ints({1LL << 40})}).fold().empty());
}

TEST(Pad, OnXnnpack) {
  const auto pad = [](tflite::Options options, float in, float out) {
    return SingleOperator(std::move(options), {{1, 4}}, {1, 6}, {in, out}).with({0, 0, 1, 1}).on_xnnpack();
  };
  EXPECT_TRUE(pad(tflite::Pad{}, 0, 0));
  EXPECT_TRUE(pad(tflite::Pad{}, 1, 1));
  EXPECT_FALSE(pad(tflite::Pad{}, 1, 2));
  EXPECT_FALSE(pad(tflite::PadV2{}, 1, 1));
  EXPECT_FALSE(SingleOperator(tflite::Pad{}, {{1, 4}, {1}}, {1, 6}).on_xnnpack() &&
               SingleOperator(tflite::PadV2{}, {{1, 4}}, {1, 6}).on_xnnpack());
  EXPECT_EQ(SingleOperator(tflite::Pad{}, {Shape(5, 1)}, Shape(5, 1)).version(), 4);
}

}  // namespace
}  // namespace calib8
