#include "pattern/pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_models.h"
#include "pattern/match.h"

namespace calib8 {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

/// x + 3, clipped to 0 to `highest`, times x over `divisor`, as ONNX spells it.
struct OnnxSwish : SmallModel {
  OnnxValueId x = input("x", {1, 4});
  OnnxValueId sum, clipped, result;

  explicit OnnxSwish(float highest = 6, float divisor = 6, bool swapped = false) {
    sum = swapped ? node("Add", "sum", {constant("three", {}, {3}), x})
                  : node("Add", "sum", {x, constant("three", {}, {3})});
    clipped = node("Clip", "clip", {sum, constant("low", {}, {0}), constant("high", {}, {highest})});
    const OnnxValueId product = swapped ? node("Mul", "mul", {clipped, x}) : node("Mul", "mul", {x, clipped});
    result = node("Div", "div", {product, constant("six", {}, {divisor})});
  }
};

TEST(Pattern, IsFoundInOnnxWhateverTheOrder) {
  for (const bool swapped : {false, true}) {
    const OnnxSwish model(6, 6, swapped);
    const auto found = match(model.graph, model.result, hard_swish_pattern());
    ASSERT_TRUE(found) << swapped;
    EXPECT_THAT(found->holes, ElementsAre(model.x));
    EXPECT_THAT(found->nodes, SizeIs(4));
    EXPECT_TRUE(found->is_closed(model.graph));
  }
}

TEST(Pattern, IsFoundInTfliteBehindAFusedActivationAndOnItsOwn) {
  for (const bool fused : {false, true}) {
    TfliteGraph graph;
    const TensorId x = graph.add_value({"x", DType::float32, {1, 4}, std::nullopt, std::nullopt});
    graph.set_inputs({x});
    const auto filled = [&](float value) {
      return graph.add_constant("c", make_tensor<float>({2}, {value, value}));
    };
    tflite::Add add;
    if (fused) add.activation = tflite::Activation::relu6;
    TensorId gate = graph.emit(add, {x, filled(3)}, "sum", {1, 4});
    if (!fused) gate = graph.emit(tflite::Relu6{}, {gate}, "clip", {1, 4});
    const TensorId scaled = graph.emit(tflite::Mul{}, {gate, filled(1.0f / 6)}, "gate", {1, 4});
    const TensorId result = graph.emit(tflite::Mul{}, {scaled, x}, "result", {1, 4});
    graph.set_outputs({result});
    const auto found = match(graph, result, hard_swish_pattern());
    ASSERT_TRUE(found) << fused;
    EXPECT_THAT(found->holes, ElementsAre(x));
    EXPECT_THAT(found->nodes, SizeIs(fused ? 3 : 4));
    EXPECT_TRUE(found->is_closed(graph));
    EXPECT_TRUE(match(graph, scaled, hard_sigmoid_pattern()));
    EXPECT_FALSE(match(graph, result, hard_sigmoid_pattern()));
  }
}

TEST(Pattern, DiffersInEachOfItsNumbers) {
  for (const auto& [highest, divisor] : {std::pair(5.0f, 6.0f), {6.0f, 5.0f}, {6.0f, 6.001f}}) {
    const OnnxSwish model(highest, divisor);
    EXPECT_FALSE(match(model.graph, model.result, hard_swish_pattern())) << highest << " " << divisor;
  }
}

TEST(Pattern, WantsTheSameValueForTheSameHole) {
  SmallModel model;
  const OnnxValueId x = model.input("x", {1, 4}), other = model.input("y", {1, 4});
  const OnnxValueId gate = model.node("HardSigmoid", "gate", {x}, {{"alpha", 1.0f / 6}});
  EXPECT_TRUE(match(model.graph, model.node("Mul", "same", {gate, x}), hard_swish_pattern()));
  const OnnxValueId different = model.node("Mul", "different", {other, gate});
  EXPECT_FALSE(match(model.graph, different, hard_swish_pattern()));
  const auto two_holes = match(model.graph, different, product({hole(0), hard_sigmoid_operator(hole(1))}));
  ASSERT_TRUE(two_holes);
  EXPECT_THAT(two_holes->holes, ElementsAre(other, x));
}

// (x - mean) read twice within is closed; read from outside, or given out, it isn't.
TEST(Pattern, IsClosedWhateverIsSharedWithin) {
  const Pattern square = product({hole(0) + hole(1), hole(0) + hole(1)});
  for (const bool leaks : {false, true}) {
    SmallModel model;
    const OnnxValueId sum = model.node("Add", "sum", {model.input("a", {4}), model.input("b", {4})});
    const OnnxValueId result = model.node("Mul", "square", {sum, sum});
    if (leaks) model.node("Relu", "outside", {sum});
    const auto found = match(model.graph, result, square);
    ASSERT_TRUE(found);
    EXPECT_THAT(found->nodes, SizeIs(2));
    EXPECT_EQ(found->is_closed(model.graph), !leaks);
    model.graph.set_outputs({result, sum});
    EXPECT_FALSE(found->is_closed(model.graph));
  }
}

}  // namespace
}  // namespace calib8
