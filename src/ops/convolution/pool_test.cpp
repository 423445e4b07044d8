#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "ops/arithmetic/sign.h"
#include "ops/small_models.h"

namespace calib8 {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using Ints = std::vector<std::int64_t>;

const std::map<std::string, OnnxAttribute> stem = {
    {"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}};

TEST(MaxPool, PadsWithTheLowestNumber) {
  SmallModel model;
  const auto x = model.node("Relu", "relu", {model.input("x", Shape{1, 4, 8, 8})});
  const TfliteGraph graph = model.lower(model.node("MaxPool", "y", {x}, stem));
  EXPECT_THAT(operators_of(graph), ElementsAre("RELU", "TRANSPOSE", "PADV2", "MAX_POOL_2D", "TRANSPOSE"));
  EXPECT_EQ(first<tflite::MaxPool2D>(graph).options,
            (tflite::Options{tflite::MaxPool2D{{tflite::Padding::valid, 2, 2, 3, 3}}}));
  EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{1, 4, 4, 4}));
  EXPECT_THAT(floats_of(graph, first<tflite::PadV2>(graph).inputs[2]),
              ElementsAre(std::numeric_limits<float>::lowest()));
}

TEST(MaxPool, PrefersSameWhereItIsEqual) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 4, 9, 9});
  const TfliteGraph graph = model.lower(model.node("MaxPool", "y", {x}, stem));
  EXPECT_THAT(operators_of(graph), ElementsAre("TRANSPOSE", "MAX_POOL_2D", "TRANSPOSE"));
}

TEST(MaxPool, CeilModeAddsAWindow) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 4, 5, 5});
  const auto y =
      model.node("MaxPool", "y", {x},
                 {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}, {"ceil_mode", std::int64_t{1}}});
  EXPECT_EQ(model.shape_of(y), (Shape{1, 4, 3, 3}));
  EXPECT_THAT(operators_of(model.lower(y)), ElementsAre("TRANSPOSE", "MAX_POOL_2D", "TRANSPOSE"));  // SAME
}

TEST(MaxPool, RefusesWhatItCannotLower) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 4, 8, 8});
  auto dilated = stem;
  dilated["dilations"] = Ints{2, 2};
  EXPECT_THROW(model.lower(model.node("MaxPool", "y", {x}, dilated)), Error);
  SmallModel wide;
  const auto padded = wide.node("MaxPool", "y", {wide.input("x", Shape{1, 4, 8, 8})},
                                {{"kernel_shape", Ints{2, 2}}, {"pads", Ints{2, 0, 0, 0}}});
  EXPECT_THROW(wide.lower(padded), Error);
  EXPECT_THROW(wide.node("MaxPool", "z", {padded}, {{"kernel_shape", Ints{2}}}), Error);
}

TEST(AveragePool, SameCountsNoPadding) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 4, 9, 9});
  EXPECT_THAT(operators_of(model.lower(model.node("AveragePool", "y", {x}, stem))),
              ElementsAre("TRANSPOSE", "AVERAGE_POOL_2D", "TRANSPOSE"));
}

TEST(AveragePool, PadCountsAllOfIt) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 4, 9, 9});
  auto counting = stem;
  counting["count_include_pad"] = std::int64_t{1};
  EXPECT_THAT(operators_of(model.lower(model.node("AveragePool", "y", {x}, counting))),
              ElementsAre("TRANSPOSE", "PAD", "AVERAGE_POOL_2D", "TRANSPOSE"));
}

TEST(AveragePool, CorrectsWhatNeitherCountsRight) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 1, 8, 8});
  const TfliteGraph graph = model.lower(model.node("AveragePool", "y", {x}, stem));
  EXPECT_THAT(operators_of(graph), ElementsAre("TRANSPOSE", "PAD", "AVERAGE_POOL_2D", "MUL", "TRANSPOSE"));
  const TensorId factors = first<tflite::Mul>(graph).inputs[1];
  EXPECT_EQ(graph[factors].shape, (Shape{1, 4, 4, 1}));
  EXPECT_FLOAT_EQ(floats_of(graph, factors)[0], 9.0f / 4.0f);
  EXPECT_FLOAT_EQ(floats_of(graph, factors)[1], 9.0f / 6.0f);
  EXPECT_FLOAT_EQ(floats_of(graph, factors)[15], 1.0f);
}

TEST(AveragePool, OverhangOfCeilModeIsNeverCounted) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 1, 6, 6});
  const TfliteGraph graph = model.lower(model.node("AveragePool", "y", {x},
                                                   {{"kernel_shape", Ints{3, 3}},
                                                    {"strides", Ints{2, 2}},
                                                    {"pads", Ints{1, 1, 1, 1}},
                                                    {"ceil_mode", std::int64_t{1}},
                                                    {"count_include_pad", std::int64_t{1}}}));
  // Of the last windows' three elements, two are in the padded image of 8.
  const auto factors = floats_of(graph, first<tflite::Mul>(graph).inputs[1]);
  EXPECT_FLOAT_EQ(factors[0], 1.0f);
  EXPECT_FLOAT_EQ(factors[3], 3.0f / 2.0f);
  EXPECT_FLOAT_EQ(factors[15], 9.0f / 4.0f);
}

TEST(GlobalPool, IsAReductionOverHeightAndWidth) {
  SmallModel model;
  const auto x = model.input("x", Shape{2, 4, 7, 5});
  const auto y = model.node("GlobalAveragePool", "y", {x});
  EXPECT_EQ(model.shape_of(y), (Shape{2, 4, 1, 1}));
  const TfliteGraph graph = model.lower(y);
  EXPECT_THAT(operators_of(graph), ElementsAre("TRANSPOSE", "MEAN", "TRANSPOSE"));
  EXPECT_THAT(graph.constant_integers(first<tflite::Mean>(graph).inputs[1]), ElementsAre(1, 2));
  EXPECT_EQ(graph[first<tflite::Mean>(graph).outputs[0]].shape, (Shape{2, 1, 1, 4}));
}

TEST(Sign, LooksThroughOperatorsThatKeepIt) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 4, 8, 8});
  const auto relu = model.node("Relu", "relu", {x});
  const auto gate = model.node("Sigmoid", "gate", {x});
  const auto one = model.constant("one", {1}, {1}), minus = model.constant("minus", {1}, {-1});
  const auto clip = [&](std::vector<OnnxValueId> inputs) {
    static int number = 0;
    return is_never_negative(model.graph,
                             model.node("Clip", "clip" + std::to_string(number++), std::move(inputs)));
  };
  EXPECT_FALSE(is_never_negative(model.graph, x));
  EXPECT_TRUE(is_never_negative(model.graph, relu));
  EXPECT_TRUE(is_never_negative(model.graph, model.node("MaxPool", "pool", {relu}, stem)));
  EXPECT_TRUE(is_never_negative(model.graph, model.node("Mul", "product", {relu, gate})));
  EXPECT_FALSE(is_never_negative(model.graph, model.node("Mul", "silu", {x, gate})));
  EXPECT_TRUE(is_never_negative(model.graph, model.node("Add", "shifted", {relu, one})));
  EXPECT_FALSE(is_never_negative(model.graph, model.node("Add", "lowered", {relu, minus})));
  EXPECT_TRUE(clip({x, one}));
  EXPECT_FALSE(clip({x, minus}));
  EXPECT_TRUE(clip({relu}));
  EXPECT_FALSE(clip({relu, OnnxValueId{}, minus}));
}

TEST(Sign, GivesUpOnEndlessBranches) {
  SmallModel model;
  auto x = model.node("Relu", "relu", {model.input("x", Shape{1})});
  for (int i = 0; i < 100; ++i) x = model.node("Add", "add" + std::to_string(i), {x, x});
  EXPECT_FALSE(is_never_negative(model.graph, x));  // and returns before the end of time
}

TEST(PoolRows, SaysWhatXnnpackTakes) {
  const auto taken = [](DType dtype, float x_scale, float y_scale, auto options) {
    TfliteGraph graph;
    const std::optional<Quantization> none;
    const bool is_float = dtype == DType::float32;
    const auto x =
        graph.add_value({"x", dtype, {1, 4, 4, 1}, is_float ? none : per_tensor(x_scale, 0), std::nullopt});
    const auto y = graph.emit(options, {x}, "y", {1, 2, 2, 1}, dtype);
    graph[y].quantization = is_float ? none : per_tensor(y_scale, 0);
    return tflite_op(options).runs_on_xnnpack(graph, graph[graph.nodes()[0]]);
  };
  const tflite::Pool2D pool{tflite::Padding::valid, 2, 2, 2, 2}, sparse{tflite::Padding::valid, 2, 2, 1, 1};
  EXPECT_TRUE(taken(DType::int8, 0.5f, 0.5f, tflite::MaxPool2D{pool}));
  EXPECT_FALSE(taken(DType::int8, 0.5f, 0.25f, tflite::MaxPool2D{pool}));
  EXPECT_FALSE(taken(DType::int8, 0.5f, 0.5f, tflite::MaxPool2D{sparse}));
  EXPECT_FALSE(taken(DType::int8, 0.5f, 0.5f, tflite::AveragePool2D{pool}));
  EXPECT_TRUE(taken(DType::float32, 0, 0, tflite::AveragePool2D{pool}));
}

}  // namespace
}  // namespace calib8
