#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ints = std::vector<std::int64_t>;

TEST(Conv, InfersSizes) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 3, 225, 161});
  const auto y = model.node("Conv", "y", {x, model.counting("w", {8, 3, 3, 3})},
                            {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}, {"dilations", Ints{1, 2}}});
  EXPECT_EQ(model.shape_of(y), (Shape{1, 8, 113, 80}));
}

TEST(Conv, KeepsSymbolicBatchAndLosesUnknownSizes) {
  SmallModel model;
  const auto x =
      model.input("x", {DType::float32, std::vector<Dimension>{{-1, "batch"}, {3, {}}, {-1, "h"}, {8, {}}}});
  const auto y = model.node("Conv", "y", {x, model.counting("w", {4, 3, 3, 3})});
  EXPECT_EQ(model.graph[y].type->shape, (std::vector<Dimension>{{-1, "batch"}, {4, {}}, {-1, {}}, {6, {}}}));
}

TEST(Conv, TransposesWeightsAndMakesABias) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2, 5, 5});
  const auto y = model.node("Conv", "y", {x, model.counting("conv.weight", {2, 2, 1, 3})});
  const TfliteGraph graph = model.lower(y);
  EXPECT_THAT(operators_of(graph), ElementsAre("TRANSPOSE", "CONV_2D", "TRANSPOSE"));
  const TfliteOperator& conv = first<tflite::Conv2D>(graph);
  EXPECT_EQ(graph[conv.inputs[0]].shape, (Shape{1, 5, 5, 2}));
  EXPECT_EQ(graph[conv.outputs[0]].shape, (Shape{1, 5, 3, 2}));
  EXPECT_EQ(graph[conv.outputs[0]].name, "conv");
  EXPECT_EQ(graph[conv.inputs[1]].name, "conv.weight");
  EXPECT_EQ(graph[conv.inputs[1]].shape, (Shape{2, 1, 3, 2}));
  EXPECT_THAT(floats_of(graph, conv.inputs[1]), ElementsAre(0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11));
  EXPECT_THAT(floats_of(graph, conv.inputs[2]), ElementsAre(0, 0));
  EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{1, 2, 5, 3}));
}

TEST(Conv, SharesWeightsOfOneElementWindows) {
  SmallModel model;
  const auto w = model.counting("w", {4, 3, 1, 1});
  const auto y = model.node("Conv", "y", {model.input("x", Shape{1, 3, 5, 5}), w});
  const TfliteGraph graph = model.lower(y);
  EXPECT_EQ(graph[first<tflite::Conv2D>(graph).inputs[1]].constant->bytes().data(),
            model.graph[w].constant->data.bytes().data());
}

TEST(Conv, GroupPerChannelIsDepthwise) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2, 4, 4});
  const auto y = model.node("Conv", "y", {x, model.counting("w", {4, 1, 1, 2}), model.counting("b", {4})},
                            {{"group", std::int64_t{2}}, {"strides", Ints{2, 1}}});
  const TfliteGraph graph = model.lower(y);
  const TfliteOperator& conv = first<tflite::DepthwiseConv2D>(graph);
  EXPECT_EQ(conv.options, (tflite::Options{tflite::DepthwiseConv2D{tflite::Padding::valid, 2, 1, 1, 1, 2}}));
  EXPECT_EQ(graph[conv.inputs[1]].shape, (Shape{1, 1, 2, 4}));
  EXPECT_THAT(floats_of(graph, conv.inputs[1]), ElementsAre(0, 2, 4, 6, 1, 3, 5, 7));
  EXPECT_THAT(floats_of(graph, conv.inputs[2]), ElementsAre(0, 1, 2, 3));
}

TEST(Conv, OtherGroupsStayOneConvolution) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 4, 4, 4});
  const auto y =
      model.node("Conv", "y", {x, model.counting("w", {6, 2, 3, 3})}, {{"group", std::int64_t{2}}});
  const TfliteGraph graph = model.lower(y);
  EXPECT_EQ(graph[first<tflite::Conv2D>(graph).inputs[1]].shape, (Shape{6, 3, 3, 2}));
  EXPECT_EQ(tflite_op(tflite::Conv2D{}).version(graph, first<tflite::Conv2D>(graph)), 6);
}

std::vector<std::string> padded_conv(std::int64_t size, std::int64_t stride, OnnxAttribute pads,
                                     const std::string& attribute = "pads") {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 3, size, size});
  const auto y = model.node("Conv", "y", {x, model.counting("w", {2, 3, 3, 3})},
                            {{"strides", Ints{stride, stride}}, {attribute, std::move(pads)}});
  const TfliteGraph graph = model.lower(y);
  std::vector<std::string> names = operators_of(graph);
  const auto& conv = std::get<tflite::Conv2D>(first<tflite::Conv2D>(graph).options);
  names.emplace_back(conv.padding == tflite::Padding::same ? "SAME" : "VALID");
  return names;
}

TEST(Conv, PadsExactly) {
  const Ints one = {1, 1, 1, 1};
  EXPECT_THAT(padded_conv(8, 1, one), ElementsAre("TRANSPOSE", "CONV_2D", "TRANSPOSE", "SAME"));
  EXPECT_THAT(padded_conv(9, 2, one), ElementsAre("TRANSPOSE", "CONV_2D", "TRANSPOSE", "SAME"));
  EXPECT_THAT(padded_conv(8, 2, one), ElementsAre("TRANSPOSE", "PAD", "CONV_2D", "TRANSPOSE", "VALID"));
  EXPECT_THAT(padded_conv(8, 2, Ints{0, 0, 1, 1}), ElementsAre("TRANSPOSE", "CONV_2D", "TRANSPOSE", "SAME"));
  EXPECT_THAT(padded_conv(8, 2, std::string("SAME_UPPER"), "auto_pad"),
              ElementsAre("TRANSPOSE", "CONV_2D", "TRANSPOSE", "SAME"));
  EXPECT_THAT(padded_conv(8, 2, std::string("SAME_LOWER"), "auto_pad"),
              ElementsAre("TRANSPOSE", "PAD", "CONV_2D", "TRANSPOSE", "VALID"));
  EXPECT_THAT(padded_conv(8, 1, Ints{0, 0, 0, 0}), ElementsAre("TRANSPOSE", "CONV_2D", "TRANSPOSE", "VALID"));
}

TEST(Conv, PadsNoMoreThanTheWindowsTouch) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 3, 8, 8});
  const auto y = model.node("Conv", "y", {x, model.counting("w", {2, 3, 3, 3})},
                            {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}});
  const TfliteGraph graph = model.lower(y);
  const TfliteOperator& pad = first<tflite::Pad>(graph);
  EXPECT_EQ(graph[pad.outputs[0]].shape, (Shape{1, 9, 9, 3}));
  EXPECT_EQ(graph[pad.inputs[1]].shape, (Shape{4, 2}));
  EXPECT_THAT(graph.constant_integers(pad.inputs[1]), ElementsAre(0, 0, 1, 0, 1, 0, 0, 0));
}

TEST(Conv, OneDimensionRunsAsAnImageOfHeightOne) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 4, 10});
  const auto y = model.node("Conv", "y", {x, model.counting("w", {6, 4, 3})}, {{"pads", Ints{1, 1}}});
  const TfliteGraph graph = model.lower(y);
  EXPECT_THAT(operators_of(graph), ElementsAre("RESHAPE", "TRANSPOSE", "CONV_2D", "TRANSPOSE", "RESHAPE"));
  EXPECT_EQ(graph[first<tflite::Conv2D>(graph).inputs[0]].shape, (Shape{1, 1, 10, 4}));
  EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{1, 6, 10}));
}

TEST(Conv, RefusesWhatItCannotLower) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 3, 8, 8});
  const auto w = model.input("w", Shape{2, 3, 3, 3});
  EXPECT_THROW(model.lower(model.node("Conv", "y", {x, w})), Error);
  EXPECT_THROW(model.node("Conv", "z", {x, model.counting("v", {2, 2, 3, 3})}), Error);
  EXPECT_THROW(model.node("Conv", "u", {x, model.counting("t", {2, 3, 3, 3})}, {{"group", std::int64_t{0}}}),
               Error);
  EXPECT_THROW(model.node("Conv", "s", {x, model.counting("r", {2, 3, 9, 9})}), Error);
}

TEST(ConvTranspose, CropsWhatTorchCallsPadding) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2, 5, 5});
  const auto y = model.node("ConvTranspose", "y", {x, model.counting("w", {2, 3, 4, 4})},
                            {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}});
  EXPECT_EQ(model.shape_of(y), (Shape{1, 3, 10, 10}));
  const TfliteGraph graph = model.lower(y);
  EXPECT_THAT(operators_of(graph), ElementsAre("TRANSPOSE", "TRANSPOSE_CONV", "SLICE", "TRANSPOSE"));
  const TfliteOperator& conv = first<tflite::TransposeConv>(graph);
  EXPECT_THAT(graph.constant_integers(conv.inputs[0]), ElementsAre(1, 12, 12, 3));
  EXPECT_EQ(graph[conv.inputs[1]].shape, (Shape{3, 4, 4, 2}));
  EXPECT_EQ(floats_of(graph, conv.inputs[1])[1], 48);  // [0, 0, 0, input channel 1]
  EXPECT_THAT(graph.constant_integers(first<tflite::Slice>(graph).inputs[1]), ElementsAre(0, 1, 1, 0));
}

TEST(ConvTranspose, OutputPaddingNeedsNoCrop) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2, 5, 5});
  const auto y = model.node("ConvTranspose", "y", {x, model.counting("w", {2, 3, 2, 2})},
                            {{"strides", Ints{2, 2}}, {"output_padding", Ints{1, 1}}});
  EXPECT_EQ(model.shape_of(y), (Shape{1, 3, 11, 11}));
  EXPECT_THAT(operators_of(model.lower(y)), ElementsAre("TRANSPOSE", "TRANSPOSE_CONV", "TRANSPOSE"));
  const auto z =
      model.node("ConvTranspose", "z", {y, model.counting("v", {3, 1, 2, 2})}, {{"group", std::int64_t{3}}});
  // Each element with its own filter: spread over zeros, and an ordinary depthwise convolution.
  EXPECT_THAT(operators_of(model.lower(z)), Contains("DEPTHWISE_CONV_2D"));
}

TEST(ConvTranspose, FillsADilatedKernelWithZeros) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 1, 4, 4});
  const auto y = model.node("ConvTranspose", "y", {x, model.constant("w", {1, 1, 2, 2}, {1, 2, 3, 4})},
                            {{"dilations", Ints{2, 2}}});
  EXPECT_EQ(model.shape_of(y), (Shape{1, 1, 6, 6}));
  const TfliteGraph graph = model.lower(y);
  EXPECT_THAT(floats_of(graph, first<tflite::TransposeConv>(graph).inputs[1]),
              ElementsAre(1, 0, 2, 0, 0, 0, 3, 0, 4));
}

/// A CONV_2D of one input and output channel, in int8.
TfliteGraph int8_conv(float x_scale, float weight_scale, float y_scale, std::size_t bias_scales = 1) {
  TfliteGraph graph;
  const auto x = graph.add_value({"x", DType::int8, {1, 1, 1, 1}, per_tensor(x_scale, 3), std::nullopt});
  const auto w = graph.add_constant("w", make_tensor<std::int8_t>({1, 1, 1, 1}, {5}));
  graph[w].quantization = per_tensor(weight_scale, 0);
  const auto b = graph.add_constant("b", std::vector<std::int32_t>{1});
  graph[b].quantization = Quantization{std::vector<float>(bias_scales, x_scale * weight_scale),
                                       std::vector<std::int64_t>(bias_scales), 0};
  const auto y = graph.emit(tflite::Conv2D{}, {x, w, b}, "y", {1, 1, 1, 1}, DType::int8);
  graph[y].quantization = per_tensor(y_scale, -128);
  return graph;
}

TEST(ConvRows, SaysWhatXnnpackTakes) {
  const TfliteOp& row = tflite_op(tflite::Conv2D{});
  const auto taken = [&](const TfliteGraph& graph) {
    return row.runs_on_xnnpack(graph, first<tflite::Conv2D>(graph));
  };
  EXPECT_TRUE(taken(int8_conv(0.1f, 0.01f, 0.1f)));
  EXPECT_FALSE(taken(int8_conv(1.0f, 256.0f, 1.0f)));
  EXPECT_TRUE(taken(int8_conv(1.0f, 255.0f, 1.0f)));
  EXPECT_FALSE(taken(int8_conv(0.1f, 0.01f, 0.1f, 2)));
  EXPECT_FALSE(taken(int8_conv(0.1f, 1e-41f, 0.1f)));  // denormal
  TfliteGraph graph = int8_conv(0.1f, 0.01f, 0.1f);
  EXPECT_EQ(row.version(graph, first<tflite::Conv2D>(graph)), 3);
  graph[graph.inputs().empty() ? graph[graph.nodes()[0]].inputs[1] : TensorId{}]
      .quantization->zero_points[0] = 1;
  EXPECT_FALSE(taken(graph));
}

TEST(ConvRows, KnowsRuntimes) {
  EXPECT_EQ(tflite_op(tflite::Conv2D{}).minimum_runtime(1), "1.5.0");
  EXPECT_EQ(tflite_op(tflite::Conv2D{}).minimum_runtime(3), "1.14.0");
  EXPECT_EQ(tflite_op(tflite::Conv2D{}).minimum_runtime(6), "2.9.0");
  EXPECT_EQ(tflite_op(tflite::TransposeConv{}).minimum_runtime(3), "2.3.0");
}

TfliteGraph volume_convolution(const std::string& op, const Shape& x, const Shape& weights,
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
      volume_convolution("Conv", {1, 2, 5, 6, 7}, {4, 2, 1, 2, 3}, {{"strides", Ints{1, 2, 3}}});
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
  const TfliteGraph graph =
      volume_convolution("Conv", {1, 4, 4, 4, 4}, {4, 2, 3, 3, 3},
                         {{"group", std::int64_t{2}}, {"pads", Ints{1, 1, 1, 1, 1, 1}}});
  EXPECT_THAT(operators_of(graph), ElementsAre("TRANSPOSE", "PAD", "SLICE", "CONV_3D", "SLICE", "CONV_3D",
                                               "CONCATENATION", "TRANSPOSE"));
  EXPECT_THROW(
      volume_convolution("Conv", {1, 130, 3, 3, 3}, {130, 2, 1, 1, 1}, {{"group", std::int64_t{65}}}), Error);
}

TEST(Conv3D, TransposedIsOverASpreadInputWithTheKernelTurnedAround) {
  const TfliteGraph graph =
      volume_convolution("ConvTranspose", {1, 1, 2, 2, 2}, {1, 1, 1, 1, 2}, {{"strides", Ints{1, 1, 2}}});
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
