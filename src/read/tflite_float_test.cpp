#include "read/tflite_float.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "calib8/error.h"
#include "ops/tflite_op.h"

namespace calib8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// x -> FULLY_CONNECTED with these weights of [2, 2] -> y
struct Model {
  TfliteGraph graph;
  TensorId x, y;

  explicit Model(TensorId (*make_weights)(TfliteGraph&)) {
    x = graph.add_value({"x", DType::float32, {1, 2}, {}, {}});
    const TensorId weights = make_weights(graph);
    y = graph.emit(tflite::FullyConnected{}, {x, weights}, "y", {1, 2});
    graph.set_inputs({x});
    graph.set_outputs({y});
  }
  std::vector<float> weights() {
    convert_to_float32(graph, "model.tflite");
    verify(graph, "converting");
    return to_float(graph[graph[graph.nodes().back()].inputs[1]].as_tensor());
  }
};

TensorId add_narrow(TfliteGraph& graph, Quantization quantization) {
  const TensorId id = graph.add_constant("w", make_tensor<std::int8_t>({2, 2}, {1, -2, 3, -128}));
  graph[id].quantization = std::move(quantization);
  return id;
}

TensorId floats(TfliteGraph& graph, float value) {
  return graph.add_constant("w", make_tensor<float>({2, 2}, {1, 2, value, 4}));
}

std::string refusal(TfliteGraph& graph) {
  try {
    convert_to_float32(graph, "model.tflite");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    return error.what();
  }
  return "none";
}

TEST(ConvertToFloat32, HalvesBehindDequantize) {
  Model model([](TfliteGraph& graph) {
    const TensorId halves = graph.add_constant(
        "w", {DType::float16, {2, 2}, Data::from_vector<std::uint16_t>({0x3c00, 0xc000, 0x3800, 0x7bff})});
    return graph.emit(tflite::Dequantize{}, {halves}, "w/float", {2, 2});
  });
  EXPECT_THAT(model.weights(), ElementsAre(1, -2, 0.5f, 65504));
  EXPECT_EQ(model.graph.node_count(), 1u);
}

TEST(ConvertToFloat32, IntegersOfOneScaleAndOfSeveral) {
  const auto whole = [](TfliteGraph& graph) { return add_narrow(graph, per_tensor(0.5f, 1)); };
  const auto rows = [](TfliteGraph& graph) { return add_narrow(graph, {{0.5f, 2.0f}, {0, 0}, 0}); };
  const auto columns = [](TfliteGraph& graph) {
    return graph.emit(tflite::Dequantize{}, {add_narrow(graph, {{0.5f, 2.0f}, {0, 1}, 1})}, "w/float",
                      {2, 2});
  };
  EXPECT_THAT(Model(whole).weights(), ElementsAre(0, -1.5f, 1, -64.5f));
  EXPECT_THAT(Model(rows).weights(), ElementsAre(0.5f, -1, 6, -256));
  EXPECT_THAT(Model(columns).weights(), ElementsAre(0.5f, -6, 1.5f, -258));
}

TEST(ConvertToFloat32, DropsScalesOfFloatTensors) {
  Model model([](TfliteGraph& graph) { return floats(graph, 3); });
  model.graph[model.y].quantization = per_tensor(0.5f, 7);
  EXPECT_THAT(model.weights(), ElementsAre(1, 2, 3, 4));
  EXPECT_FALSE(model.graph[model.y].quantization.has_value());
}

TEST(ConvertToFloat32, KeepsADequantizeThatIsTheOutput) {
  Model model([](TfliteGraph& graph) { return floats(graph, 3); });
  const TensorId narrow = add_narrow(model.graph, per_tensor(0.5f, 0));
  model.graph.set_outputs({model.y, model.graph.emit(tflite::Dequantize{}, {narrow}, "constant", {2, 2})});
  EXPECT_EQ(refusal(model.graph), "none");
  EXPECT_EQ(model.graph.node_count(), 2u);
}

TEST(ConvertToFloat32, RefusesWhatComputesInAnotherType) {
  Model quantized([](TfliteGraph& graph) { return floats(graph, 3); });
  quantized.graph[quantized.y].dtype = DType::int8;
  quantized.graph[quantized.y].quantization = per_tensor(0.5f, 0);
  EXPECT_EQ(refusal(quantized.graph),
            "model.tflite: the model is quantized already: tensor 'y' is int8; give the float model");
  Model wide([](TfliteGraph& graph) { return floats(graph, 3); });
  wide.graph[wide.x].dtype = DType::float64;
  EXPECT_THAT(refusal(wide.graph),
              HasSubstr("tensor 'x' is float64; calib8 converts models that compute in float32"));
}

TEST(ConvertToFloat32, RowsOfANarrowTable) {
  TfliteGraph graph;
  const TensorId indices = graph.add_value({"indices", DType::int32, {3}, {}, {}});
  const TensorId rows = graph.emit(tflite::Gather{}, {add_narrow(graph, per_tensor(0.5f, 0)), indices},
                                   "rows", {3, 2}, DType::int8);
  graph[rows].quantization = per_tensor(0.5f, 0);
  const TensorId widened = graph.emit(tflite::Dequantize{}, {rows}, "widened", {3, 2});
  graph.set_inputs({indices});
  graph.set_outputs({graph.emit(tflite::Abs{}, {widened}, "y", {3, 2})});
  EXPECT_EQ(refusal(graph), "none");
  verify(graph, "converting");
  ASSERT_EQ(graph.node_count(), 2u);
  EXPECT_THAT(to_float(graph[graph[graph.nodes()[0]].inputs[0]].as_tensor()),
              ElementsAre(0.5f, -1, 1.5f, -64));
}

TEST(ConvertToFloat32, RefusesAnOutputThatNothingComputes) {
  Model model([](TfliteGraph& graph) { return floats(graph, 3); });
  model.graph.set_outputs({model.graph[model.graph.nodes()[0]].inputs[1]});
  EXPECT_THAT(refusal(model.graph), HasSubstr("output 'w' is a constant"));
}

TEST(ConvertToFloat32, RefusesNumbersThatAreNone) {
  Model nan([](TfliteGraph& graph) { return floats(graph, std::nanf("")); });
  EXPECT_THAT(refusal(nan.graph), HasSubstr("tensor 'w' holds NaN"));
  Model infinity([](TfliteGraph& graph) { return floats(graph, -std::numeric_limits<float>::infinity()); });
  EXPECT_THAT(refusal(infinity.graph), HasSubstr("tensor 'w' holds infinity"));
  Model mask([](TfliteGraph& graph) { return floats(graph, 3); });
  const TensorId value =
      mask.graph.add_constant("mask", make_tensor<float>({1}, {-std::numeric_limits<float>::infinity()}));
  mask.graph.set_outputs({mask.graph.emit(tflite::Add{}, {mask.y, value}, "masked", {1, 2})});
  EXPECT_EQ(refusal(mask.graph), "none") << "a mask adds minus infinity";
}

}  // namespace
}  // namespace calib8
