#include "onnx_graph/emitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calib8/error.h"

namespace calib8 {
namespace {

using testing::ElementsAre;

TEST(OnnxEmitter, GivesEachValueANameOfItsOwn) {
  OnnxEmitter emitter;
  const OnnxValueId x = emitter.input("x", static_type(DType::float32, {1, 4}));
  const OnnxValueId first = emitter.emit("Relu", "act", {x});
  const OnnxValueId second = emitter.emit("Relu", "act", {first});
  const OnnxValueId third = emitter.emit("Relu", "x", {second});
  emitter.graph().set_outputs({third});
  const OnnxGraph graph = emitter.take();
  EXPECT_EQ(graph[first].name, "act");
  EXPECT_EQ(graph[second].name, "act#2");
  EXPECT_EQ(graph[graph.producer(second)].name, "act#2");
  EXPECT_EQ(graph[third].name, "x#2");
  EXPECT_NO_THROW(verify(graph, "test"));
}

TEST(OnnxEmitter, WritesTypedNodes) {
  OnnxEmitter emitter;
  const OnnxValueId x = emitter.input("x", static_type(DType::float32, {1, 3, 8, 8}));
  const OnnxValueId weights =
      emitter.constant("w", make_tensor<float>({2, 3, 1, 1}, std::vector<float>(6, 1)));
  OnnxValueId y = emitter.convolution("conv", x, weights, {}, OnnxWindow::square(1, 2, 0));
  y = emitter.clip("clip", y, 0, 6);
  y = emitter.flatten("flat", y);
  emitter.graph().set_outputs({y});
  const OnnxGraph graph = emitter.take();
  const OnnxNode& conv = graph[graph.nodes().at(0)];
  EXPECT_THAT(conv.inputs, ElementsAre(x, weights));
  EXPECT_THAT(conv.get_ints("strides", {}), ElementsAre(2, 2));
  EXPECT_THAT(conv.get_ints("pads", {}), ElementsAre(0, 0, 0, 0));
  const OnnxNode& clip = graph[graph.nodes().at(1)];
  EXPECT_EQ(to_float(*graph.constant_input(clip, 1)).at(0), 0);
  EXPECT_EQ(to_float(*graph.constant_input(clip, 2)).at(0), 6);
  EXPECT_EQ(graph[clip.inputs[2]].name, "clip.max");
  EXPECT_EQ(graph[graph.nodes().at(2)].get_int("axis", 0), 1);
}

TEST(OnnxGraph, FreeNamesDontRepeatAndDontSearch) {
  OnnxGraph graph;
  for (int i = 0; i < 50000; ++i) graph.add_value({graph.free_name("v"), std::nullopt, std::nullopt});
  EXPECT_EQ(graph[graph.value_at(49999)].name, "v_49999");
  EXPECT_EQ(graph.free_name("v_17"), "v_17_1");
  EXPECT_EQ(graph.free_name("w", '#', 2), "w");
  EXPECT_EQ(graph.free_name("w", '#', 2), "w#2");
}

}  // namespace
}  // namespace calib8
