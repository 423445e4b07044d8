#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

TEST(Elementwise, InfersBroadcastOfSymbols) {
  const OnnxType x{DType::float32, std::vector<Dimension>{named("batch"), sized(8), sized(7), sized(7)}};
  EXPECT_EQ(inferred(SingleNode("Mul", {x, floats({8, 1, 1}, Floats(8))})), *x.shape);
  EXPECT_EQ(inferred(SingleNode("Add", {floats(Shape{}, {1}), x})), *x.shape);
  EXPECT_EQ(inferred(SingleNode("Sqrt", {x})), *x.shape);
  EXPECT_FALSE(SingleNode("Add", {x, OnnxType{DType::float32, std::nullopt}}).infer()[0].has_rank());
  EXPECT_THROW(SingleNode("Add", {x, ints({1})}).infer(), Error);
  EXPECT_NO_THROW(SingleNode("Pow", {x, ints({2})}).infer());
  EXPECT_THROW(SingleNode("Add", {x}).infer(), Error);
}

TEST(Elementwise, ConstantsStandSecondAndHaveTheResultsRank) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2, 3, 3});
  const auto y = model.node("Add", "y", {model.counting("bias", {2, 1, 1}), x});
  const TfliteGraph graph = model.lower(y);
  EXPECT_THAT(operators_of(graph), ElementsAre("ADD"));
  const TfliteOperator& add = first<tflite::Add>(graph);
  EXPECT_EQ(add.inputs[0], graph.inputs()[0]);
  EXPECT_EQ(graph[add.inputs[1]].shape, (Shape{1, 2, 1, 1}));
  EXPECT_THAT(floats_of(graph, add.inputs[1]), ElementsAre(0, 1));
}

TEST(Elementwise, SubKeepsItsOrder) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2});
  const auto one = model.constant("one", {}, {1});
  const TfliteGraph graph = model.lower(model.node("Sub", "y", {one, x}));
  const TfliteOperator& sub = first<tflite::Sub>(graph);
  EXPECT_EQ(graph[sub.inputs[0]].shape, (Shape{1, 1}));
  EXPECT_EQ(sub.inputs[1], graph.inputs()[0]);
}

TEST(Elementwise, ReshapesATensorOfLowerRank) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2, 3, 3});
  const auto scale = model.input("scale", Shape{2, 1, 1});
  const TfliteGraph graph = model.lower(model.node("Mul", "y", {x, scale}));
  EXPECT_THAT(operators_of(graph), ElementsAre("RESHAPE", "MUL"));
}

TEST(Elementwise, DividesTensors) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2});
  EXPECT_THAT(operators_of(model.lower(model.node("Div", "y", {x, x}))), ElementsAre("DIV"));
  SmallModel by_zero;
  const auto z = by_zero.input("x", Shape{1, 2});
  EXPECT_THROW(by_zero.lower(by_zero.node("Div", "y", {z, by_zero.constant("by", {}, {0})})), Error);
}

TEST(Elementwise, NegStaysAndReciprocalDivides) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2});
  const auto negated = model.node("Neg", "y", {x});
  const TfliteGraph graph = model.lower(model.node("Reciprocal", "z", {negated}));
  EXPECT_THAT(operators_of(graph), ElementsAre("NEG", "DIV"));
  EXPECT_THAT(floats_of(graph, first<tflite::Div>(graph).inputs[0]), ElementsAre(1));
}

std::vector<std::string> lowered_power(float exponent) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2});
  return operators_of(model.lower(model.node("Pow", "y", {x, model.constant("exponent", {}, {exponent})})));
}

TEST(Elementwise, PowersHaveOperatorsOfTheirOwn) {
  EXPECT_THAT(lowered_power(1), ElementsAre());
  EXPECT_THAT(lowered_power(2), ElementsAre("MUL"));
  EXPECT_THAT(lowered_power(3), ElementsAre("MUL", "MUL"));
  EXPECT_THAT(lowered_power(0.5f), ElementsAre("SQRT"));
  EXPECT_THAT(lowered_power(-0.5f), ElementsAre("RSQRT"));
  EXPECT_THAT(lowered_power(4), ElementsAre("MUL", "MUL"));
  EXPECT_THAT(lowered_power(-1), ElementsAre("DIV"));
  EXPECT_THAT(lowered_power(2.5f), ElementsAre("POW"));
}

TEST(Elementwise, ExtremesOfManyAreAChain) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 1, 3}), y = model.input("y", Shape{1, 2, 1});
  const auto top = model.node("Max", "top", {x, y, model.constant("zero", {}, {0})});
  const TfliteGraph graph = model.lower(model.node("Min", "low", {top, x}));
  EXPECT_THAT(operators_of(graph), ElementsAre("MAXIMUM", "MAXIMUM", "MINIMUM"));
  EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{1, 2, 3}));
}

TEST(Elementwise, FunctionsOfOneTensor) {
  SmallModel model;
  auto x = model.input("x", Shape{1, 2});
  for (const char* op : {"Sqrt", "Exp", "Log", "Abs"}) x = model.node(op, op, {x});
  EXPECT_THAT(operators_of(model.lower(x)), ElementsAre("SQRT", "EXP", "LOG", "ABS"));
}

TEST(Elementwise, AddsIntegersAsInt32) {
  SmallModel model;
  const auto x = model.input("x", static_type(DType::int64, {2}));
  const TfliteGraph graph =
      model.lower(model.node("Add", "y", {x, model.graph.add_constant("c", ints({5}))}));
  EXPECT_EQ(graph[graph.outputs()[0]].dtype, DType::int32);
  SmallModel roots;
  const auto z = roots.input("x", static_type(DType::int64, {2}));
  EXPECT_THROW(roots.lower(roots.node("Sqrt", "y", {z})), Error);
}

TEST(Elementwise, OnXnnpackWithinItsRatios) {
  const std::vector<Shape> two = {{1, 4}, {1, 4}};
  const auto sum = [&](float a, float b, float out) {
    return SingleOperator(tflite::Add{}, two, {1, 4}, {a, b, out}).on_xnnpack();
  };
  EXPECT_TRUE(sum(0, 0, 0));  // float32
  EXPECT_TRUE(sum(1, 1, 1));
  EXPECT_TRUE(sum(1, 1, 1024));
  EXPECT_FALSE(sum(1, 1, 1025));
  EXPECT_TRUE(sum(255, 1, 1));
  EXPECT_FALSE(sum(256, 1, 1));
  EXPECT_FALSE(sum(1, 256, 1));
  EXPECT_FALSE(sum(1, 0, 1));  // mixed types
  const auto product = [&](float a, float b, float out) {
    return SingleOperator(tflite::Mul{}, two, {1, 4}, {a, b, out}).on_xnnpack();
  };
  EXPECT_TRUE(product(1, 1, 65536));
  EXPECT_FALSE(product(1, 1, 65537));
  EXPECT_TRUE(product(16, 15, 1));
  EXPECT_FALSE(product(16, 16, 1));
  EXPECT_FALSE(SingleOperator(tflite::Sub{}, two, {1, 4}, {1, 1, 2000}).on_xnnpack());
  const Shape seven(7, 1);
  EXPECT_FALSE(SingleOperator(tflite::Add{}, {seven, seven}, seven).on_xnnpack());
}

TEST(Elementwise, InFloatOnly) {
  const std::vector<Shape> two = {{1, 4}, {1, 4}}, one = {{1, 4}};
  EXPECT_TRUE(SingleOperator(tflite::Div{}, two, {1, 4}).on_xnnpack());
  EXPECT_FALSE(SingleOperator(tflite::Div{}, two, {1, 4}, {1, 1, 1}).on_xnnpack());
  EXPECT_FALSE(SingleOperator(tflite::Maximum{}, two, {1, 4}, {1, 1, 1}).on_xnnpack());
  for (const tflite::Options& options : {tflite::Options{tflite::Exp{}}, tflite::Options{tflite::Abs{}},
                                         tflite::Options{tflite::Neg{}}, tflite::Options{tflite::Rsqrt{}}}) {
    EXPECT_TRUE(SingleOperator(options, one, {1, 4}).on_xnnpack());
    EXPECT_FALSE(SingleOperator(options, one, {1, 4}, {1, 1}).on_xnnpack());
  }
  EXPECT_EQ(rule_of(tflite::Div{}).output, OutputRange::keep_float);
  EXPECT_EQ(rule_of(tflite::Neg{}).output, OutputRange::keep_float);
  EXPECT_EQ(rule_of(tflite::Maximum{}).output, OutputRange::same_as_output);
}

TEST(Elementwise, Versions) {
  const std::vector<Shape> two = {{1, 4}, {1, 4}};
  EXPECT_EQ(SingleOperator(tflite::Add{}, two, {1, 4}).version(), 1);
  EXPECT_EQ(SingleOperator(tflite::Add{}, two, {1, 4}, {1, 1, 1}).version(), 2);
  EXPECT_EQ(SingleOperator(tflite::Mul{}, two, {1, 4}, {0.5f, 1, 1}).version(), 2);
  EXPECT_EQ(SingleOperator(tflite::Mul{}, two, {1, 4}, {1, 1, 1}).version(), 3);
  EXPECT_EQ(SingleOperator(tflite::Sub{}, {{1, 1, 1, 1, 4}, {4}}, {1, 1, 1, 1, 4}).version(), 3);
  EXPECT_EQ(SingleOperator(tflite::Div{}, {{1, 1, 1, 1, 4}, {4}}, {1, 1, 1, 1, 4}).version(), 2);
  EXPECT_EQ(SingleOperator(tflite::Neg{}, {{4}}, {4}).version(), 1);
  EXPECT_EQ(tflite_op(tflite::Mul{}).minimum_runtime(3), "1.15.0");
  EXPECT_EQ(tflite_op(tflite::Sqrt{}).minimum_runtime(2), "2.21.0");
}

}  // namespace
}  // namespace calib8
