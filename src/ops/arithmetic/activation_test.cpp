#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr float infinity = std::numeric_limits<float>::infinity();

/// The operators of a model of one node with constant inputs behind x.
std::vector<std::string> lowered(const std::string& op_type, const Shape& shape,
                                 std::vector<float> constants = {},
                                 std::map<std::string, OnnxAttribute> attributes = {}) {
  SmallModel model;
  std::vector<OnnxValueId> inputs = {model.input("x", shape)};
  for (const float value : constants) {
    inputs.push_back(model.constant("c" + std::to_string(inputs.size()), {}, {value}));
  }
  const auto y = model.node(op_type, "y", inputs, std::move(attributes));
  EXPECT_EQ(model.shape_of(y), shape);
  return operators_of(model.lower(y));
}

TEST(Activation, OnesWithAnOperatorOfTheirOwn) {
  const Shape shape = {1, 4, 8, 8};
  EXPECT_THAT(lowered("Relu", shape), ElementsAre("RELU"));
  EXPECT_THAT(lowered("Sigmoid", shape), ElementsAre("LOGISTIC"));
  EXPECT_THAT(lowered("Tanh", shape), ElementsAre("TANH"));
  EXPECT_THAT(lowered("HardSwish", shape), ElementsAre("HARD_SWISH"));
  EXPECT_THAT(lowered("Elu", shape), ElementsAre("ELU"));
  EXPECT_THAT(lowered("LeakyRelu", shape, {}, {{"alpha", 0.25f}}), ElementsAre("LEAKY_RELU"));
  EXPECT_THAT(lowered("LeakyRelu", shape, {}, {{"alpha", 0.0f}}), ElementsAre("RELU"));
  EXPECT_THAT(lowered("Gelu", shape, {}, {{"approximate", std::string("tanh")}}), ElementsAre("GELU"));
  EXPECT_THROW(lowered("Gelu", shape, {}, {{"approximate", std::string("erf")}}), Error);
}

TEST(Activation, CeluScalesWhatEluSees) {
  EXPECT_THAT(lowered("Celu", {1, 4, 8, 8}), ElementsAre("ELU"));
  EXPECT_THAT(lowered("Celu", {1, 4, 8, 8}, {}, {{"alpha", 0.5f}}), ElementsAre("MUL", "ELU", "MUL"));
  EXPECT_THROW(lowered("Celu", {1, 4}, {}, {{"alpha", 0.0f}}), Error);
}

TEST(Activation, EluWithAnotherAlphaIsPutTogether) {
  EXPECT_THAT(lowered("Elu", {1, 4}, {}, {{"alpha", 0.5f}}),
              ElementsAre("RELU", "MINIMUM", "ELU", "MUL", "ADD"));
}

TEST(Clip, IsReluWhereItCanBe) {
  const Shape shape = {1, 4};
  EXPECT_THAT(lowered("Clip", shape, {0, 6}), ElementsAre("RELU6"));
  EXPECT_THAT(lowered("Clip", shape, {0}), ElementsAre("RELU"));
  EXPECT_THAT(lowered("Clip", shape, {0, std::numeric_limits<float>::max()}), ElementsAre("RELU"));
  EXPECT_THAT(lowered("Clip", shape, {0, infinity}), ElementsAre("RELU"));
  EXPECT_THAT(lowered("Clip", shape, {0, 1}), ElementsAre("RELU", "MINIMUM"));
  EXPECT_THAT(lowered("Clip", shape, {-1, 1}), ElementsAre("MAXIMUM", "MINIMUM"));
  EXPECT_THAT(lowered("Clip", shape, {-infinity, 1}), ElementsAre("MINIMUM"));
  EXPECT_THAT(lowered("Clip", shape, {-2}), ElementsAre("MAXIMUM"));
  EXPECT_THAT(lowered("Clip", shape), ElementsAre());
}

TEST(Clip, RefusesARangeThatIsNotConstant) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 4}), lowest = model.input("lowest", Shape{});
  EXPECT_THROW(model.lower(model.node("Clip", "y", {x, lowest})), Error);
}

TEST(HardSigmoid, IsThreeQuartersOfAnInteger) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 4, 8, 8});
  const TfliteGraph graph =
      model.lower(model.node("HardSigmoid", "y", {x}, {{"alpha", 1.0f / 6.0f}, {"beta", 0.5f}}));
  EXPECT_THAT(operators_of(graph), ElementsAre("ADD", "MUL"));
  EXPECT_EQ(first<tflite::Add>(graph).options, (tflite::Options{tflite::Add{{tflite::Activation::relu6}}}));
  EXPECT_THAT(floats_of(graph, first<tflite::Add>(graph).inputs[1]), ElementsAre(3.0f));
  EXPECT_THAT(floats_of(graph, first<tflite::Mul>(graph).inputs[1]), ElementsAre(1.0f / 6.0f));
  EXPECT_EQ(graph[first<tflite::Mul>(graph).inputs[1]].shape, (Shape{1, 1, 1, 1}));
}

TEST(HardSigmoid, ScalesFirstWithAnotherSlope) {
  EXPECT_THAT(lowered("HardSigmoid", {1, 4}), ElementsAre("MUL", "ADD", "MUL"));  // ONNX's default of 0.2
}

TEST(PRelu, OneSlopeIsLeakyRelu) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 4, 8, 8});
  const TfliteGraph graph =
      model.lower(model.node("PRelu", "y", {x, model.constant("slope", {1, 1, 1}, {0.25f})}));
  EXPECT_EQ(first<tflite::LeakyRelu>(graph).options, (tflite::Options{tflite::LeakyRelu{0.25f}}));
}

TEST(PRelu, SlopesPerChannelLieLast) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 4, 8, 8});
  const TfliteGraph graph = model.lower(model.node("PRelu", "y", {x, model.counting("slope", {4, 1, 1})}));
  EXPECT_THAT(operators_of(graph), ElementsAre("TRANSPOSE", "PRELU", "TRANSPOSE"));
  EXPECT_EQ(graph[first<tflite::PRelu>(graph).inputs[1]].shape, (Shape{1, 1, 4}));
  SmallModel other;
  const auto z =
      other.node("PRelu", "z", {other.input("x", Shape{1, 4, 8, 8}), other.counting("slope", {8, 1})});
  EXPECT_THROW(other.lower(z), Error);
}

/// Whether XNNPACK takes a unary operator from int8 to int8.
bool taken(tflite::Options options, float x_scale, float y_scale) {
  TfliteGraph graph;
  const auto x = graph.add_value({"x", DType::int8, {1, 4}, per_tensor(x_scale, 0), std::nullopt});
  const auto y = graph.emit(options, {x}, "y", {1, 4}, DType::int8);
  graph[y].quantization = per_tensor(y_scale, 0);
  return tflite_op(options).runs_on_xnnpack(graph, graph[graph.nodes()[0]]);
}

TEST(ActivationRows, SayWhatXnnpackTakesInInt8) {
  EXPECT_TRUE(taken(tflite::Logistic{}, 0.1f, 1.0f / 256.0f));
  EXPECT_TRUE(taken(tflite::Tanh{}, 0.1f, 1.0f / 128.0f));
  EXPECT_TRUE(taken(tflite::Elu{}, 0.1f, 0.05f));
  EXPECT_FALSE(taken(tflite::Relu{}, 0.1f, 0.1f));
  EXPECT_FALSE(taken(tflite::Relu6{}, 0.1f, 0.1f));
  EXPECT_FALSE(taken(tflite::HardSwish{}, 0.1f, 0.1f));
  EXPECT_FALSE(taken(tflite::Gelu{}, 0.1f, 0.1f));
  EXPECT_TRUE(taken(tflite::LeakyRelu{0.01f}, 0.1f, 0.1f));
  EXPECT_FALSE(taken(tflite::LeakyRelu{0.001f}, 0.1f, 0.1f));
  EXPECT_FALSE(taken(tflite::LeakyRelu{0.5f}, 100.0f, 0.5f));
  EXPECT_TRUE(taken(tflite::LeakyRelu{1.5f}, 0.1f, 0.1f));
}

TEST(ActivationRows, FixWhatTheKernelsPrescribe) {
  const QuantizationRule logistic = rule_of(tflite::Logistic{});
  EXPECT_EQ(logistic.output, OutputRange::fixed);
  EXPECT_EQ(logistic.fixed_scale, 0.00390625f);
  EXPECT_EQ(logistic.fixed_zero_point, -128);
  EXPECT_EQ(rule_of(tflite::Tanh{}).fixed_scale, 0.0078125f);
  EXPECT_EQ(rule_of(tflite::Tanh{}).fixed_zero_point, 0);
}

TfliteGraph smooth(const std::string& op, OnnxType x = static_type(DType::float32, {2, 3})) {
  SmallModel model;
  return model.lower(model.node(op, "y", {model.input("x", std::move(x))}));
}

TEST(Smooth, KeepsShapesAndIsOfRealNumbers) {
  for (const char* op : {"Softplus", "Softsign", "Mish", "Selu", "ThresholdedRelu", "Shrink"}) {
    const TfliteGraph graph = smooth(op);
    EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{2, 3})) << op;
    EXPECT_THAT(operators_of(graph), Not(IsEmpty())) << op;
    EXPECT_THROW(smooth(op, static_type(DType::int32, {2, 3})), Error) << op;
  }
}

TEST(Smooth, SoftplusIsNeverNegative) {
  EXPECT_EQ(find_onnx_op("Softplus")->traits.sign, Sign::never_negative);
  EXPECT_EQ(find_onnx_op("Softsign")->traits.sign, Sign::keeps);
}

TEST(Smooth, SoftplusNeedsNoLargePowers) {
  // log(1 + e^x) as it stands is infinite from 89 on: the power's argument must be at most 0.
  const TfliteGraph graph = smooth("Softplus");
  const TensorId power = first<tflite::Exp>(graph).inputs[0];
  EXPECT_TRUE(graph[graph.producer(power)].is<tflite::Neg>());
}

}  // namespace
}  // namespace calib8
