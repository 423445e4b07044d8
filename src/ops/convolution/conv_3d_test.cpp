#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TfliteGraph convolution(const std::string& op, const Shape& x, const Shape& weights,
                        Attributes attributes = {}) {
  SmallModel model;
  const auto y =
      model.node(op, "y", {model.input("x", x), model.counting("w", weights)}, std::move(attributes));
  TfliteGraph graph = model.lower(y);
  EXPECT_EQ(graph[graph.outputs()[0]].shape, model.shape_of(y));
  return graph;
}

TEST(Conv3D, HasItsChannelsInside) {
  const TfliteGraph graph =
      convolution("Conv", {1, 2, 5, 6, 7}, {4, 2, 1, 2, 3}, {{"strides", Ints{1, 2, 3}}});
  EXPECT_THAT(operators_of(graph), ElementsAre("TRANSPOSE", "CONV_3D", "TRANSPOSE"));
  const TfliteOperator& op = first<tflite::Conv3D>(graph);
  const auto& options = *op.get_if<tflite::Conv3D>();
  EXPECT_EQ(options.stride_depth, 1);
  EXPECT_EQ(options.stride_height, 2);
  EXPECT_EQ(options.stride_width, 3);
  EXPECT_EQ(graph[op.inputs[1]].shape, (Shape{1, 2, 3, 2, 4}));
  // Output 1, input 1, row 1, column 2: 1 * 12 + 1 * 6 + 1 * 3 + 2
  const std::size_t at = ((1 * 3 + 2) * 2 + 1) * 4 + 1;
  EXPECT_EQ(floats_of(graph, op.inputs[1])[at], 23.0f);
}

TEST(Conv3D, PadsApartAndTakesGroupsOneByOne) {
  const TfliteGraph graph = convolution("Conv", {1, 4, 4, 4, 4}, {4, 2, 3, 3, 3},
                                        {{"group", std::int64_t{2}}, {"pads", Ints{1, 1, 1, 1, 1, 1}}});
  EXPECT_THAT(operators_of(graph), ElementsAre("TRANSPOSE", "PAD", "SLICE", "CONV_3D", "SLICE", "CONV_3D",
                                               "CONCATENATION", "TRANSPOSE"));
  EXPECT_THROW(convolution("Conv", {1, 130, 3, 3, 3}, {130, 2, 1, 1, 1}, {{"group", std::int64_t{65}}}),
               Error);
}

TEST(Conv3D, TransposedIsOverASpreadInputWithTheKernelTurnedAround) {
  const TfliteGraph graph =
      convolution("ConvTranspose", {1, 1, 2, 2, 2}, {1, 1, 1, 1, 2}, {{"strides", Ints{1, 1, 2}}});
  const TfliteOperator& op = first<tflite::Conv3D>(graph);
  EXPECT_THAT(floats_of(graph, op.inputs[1]), ElementsAre(1, 0));
  EXPECT_EQ(op.get_if<tflite::Conv3D>()->stride_width, 1);
  EXPECT_EQ(graph[op.outputs[0]].shape, (Shape{1, 2, 2, 4, 1}));
}

TEST(Conv3D, StaysInFloat) {
  EXPECT_EQ(rule_of(tflite::Conv3D{}).output, OutputRange::keep_float);
  EXPECT_THAT(std::string(rule_of(tflite::Conv3D{}).reason), HasSubstr("volumes"));
}

}  // namespace
}  // namespace calib8
