#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_models.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

TfliteGraph softmax(const Shape& shape, std::map<std::string, OnnxAttribute> attributes = {}) {
  SmallModel model;
  return model.lower(model.node("Softmax", "y", {model.input("x", shape)}, std::move(attributes)));
}

TEST(Softmax, RunsOverTheLastAxis) {
  EXPECT_THAT(operators_of(softmax({1, 10})), ElementsAre("SOFTMAX"));
  EXPECT_THAT(operators_of(softmax({1, 4, 10}, {{"axis", std::int64_t{2}}})), ElementsAre("SOFTMAX"));
  const TfliteGraph over_channels = softmax({1, 4, 5, 6}, {{"axis", std::int64_t{1}}});
  EXPECT_THAT(operators_of(over_channels), ElementsAre("TRANSPOSE", "SOFTMAX", "TRANSPOSE"));
  EXPECT_EQ(over_channels[first<tflite::Softmax>(over_channels).outputs[0]].shape, (Shape{1, 5, 6, 4}));
  const TfliteGraph over_rows = softmax({1, 4, 5, 6}, {{"axis", std::int64_t{-2}}});
  EXPECT_EQ(over_rows[first<tflite::Softmax>(over_rows).outputs[0]].shape, (Shape{1, 4, 6, 5}));
  EXPECT_EQ(over_rows[over_rows.outputs()[0]].shape, (Shape{1, 4, 5, 6}));
  EXPECT_THROW(softmax({1, 4}, {{"axis", std::int64_t{2}}}), Error);
}

TEST(Softmax, ReadsTheFilesDefaultAndFixesItsOutput) {
  const TfliteOp& row = tflite_op(tflite::Softmax{});
  const TfliteGraph graph = softmax({1, 10});
  const TfliteOperator& op = first<tflite::Softmax>(graph);
  EXPECT_EQ(quantization_rule(graph, op, TargetTraits{}).output, OutputRange::fixed);
  EXPECT_EQ(quantization_rule(graph, op, TargetTraits{}).fixed_scale, 0.00390625f);
  EXPECT_TRUE(row.runs_on_xnnpack(graph, op));
}

TEST(Softmax, SharesOfManyAreComputedInFloatUnlessTheModelGivesThemOut) {
  const auto rule_for = [](std::int64_t row, bool is_output) {
    SmallModel model;
    OnnxValueId y = model.node("Softmax", "y", {model.input("x", {1, row})});
    if (!is_output) y = model.node("Abs", "z", {y});
    const TfliteGraph graph = model.lower(y);
    return quantization_rule(graph, first<tflite::Softmax>(graph), TargetTraits{}).output;
  };
  EXPECT_EQ(rule_for(3137, false), OutputRange::keep_float);
  EXPECT_EQ(rule_for(32, false), OutputRange::fixed);
  EXPECT_EQ(rule_for(3137, true), OutputRange::fixed);
}

}  // namespace
}  // namespace calib8
