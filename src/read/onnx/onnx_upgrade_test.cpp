#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calib8/error.h"
#include "read/onnx/onnx.h"
#include "read/onnx/onnx_test_model.h"

namespace calib8 {
namespace {

using namespace onnx_test;
using testing::ElementsAre;
using testing::HasSubstr;

/// x -> node -> its outputs, as read from a file of this opset.
OnnxGraph upgraded(Node node, std::int64_t opset) {
  Model model;
  model.opset = opset;
  node.inputs.insert(node.inputs.begin(), "x");
  if (node.outputs.empty()) node.outputs = {"y"};
  for (const std::string& output : node.outputs) model.outputs.push_back(value_info(output, {1}));
  model.nodes = {std::move(node)};
  model.inputs = {value_info("x", {1, 4, 8})};
  return read_onnx(data_of(model.bytes()), "m.onnx");
}

const OnnxNode& first(const OnnxGraph& graph) {
  return graph[graph.nodes().front()];
}

std::vector<std::int64_t> integers_at(const OnnxGraph& graph, std::size_t position) {
  const Tensor* constant = graph.constant_input(first(graph), position);
  return constant ? to_int64(*constant) : std::vector<std::int64_t>{-99};
}

TEST(UpgradeOnnx, MovesAxesToAnInput) {
  for (const char* op_type : {"Squeeze", "Unsqueeze", "ReduceSum"}) {
    const OnnxGraph graph = upgraded({op_type, {}, {}, {{"axes", integers({0})}}}, 12);
    EXPECT_THAT(integers_at(graph, 1), ElementsAre(0)) << op_type;
    EXPECT_FALSE(first(graph).has("axes"));
  }
  EXPECT_THAT(integers_at(upgraded({"ReduceMean", {}, {}, {{"axes", integers({1, 2})}}}, 17), 1),
              ElementsAre(1, 2));
}

TEST(UpgradeOnnx, MakesUpNoNameThatALaterNodeHas) {
  Model model;
  model.opset = 12;
  model.inputs = {value_info("x", {1, 4, 8})};
  model.nodes = {{"ReduceSum", {"x"}, {"a"}, {{"axes", integers({1})}}}, {"Relu", {"a"}, {"a.axes"}, {}}};
  model.outputs = {value_info("a.axes", {1, 1, 8})};
  EXPECT_NE(to_text(read_onnx(data_of(model.bytes()), "m.onnx")).find("a.axes#2"), std::string::npos);
}

TEST(UpgradeOnnx, MovesTheBoundsOfClip) {
  const OnnxGraph both = upgraded({"Clip", {}, {}, {{"min", real(0)}, {"max", real(6)}}}, 10);
  EXPECT_THAT(to_float(*both.constant_input(first(both), 1)), ElementsAre(0));
  EXPECT_THAT(to_float(*both.constant_input(first(both), 2)), ElementsAre(6));
  const OnnxGraph one = upgraded({"Clip", {}, {}, {{"max", real(6)}}}, 7);
  EXPECT_FALSE(first(one).inputs[1].exists());
  EXPECT_THAT(to_float(*one.constant_input(first(one), 2)), ElementsAre(6));
}

TEST(UpgradeOnnx, MovesPadsSlicesAndSplits) {
  const OnnxGraph pad =
      upgraded({"Pad", {}, {}, {{"pads", integers({0, 0, 1, 0, 0, 1})}, {"value", real(2)}}}, 10);
  EXPECT_THAT(integers_at(pad, 1), ElementsAre(0, 0, 1, 0, 0, 1));
  EXPECT_THAT(to_float(*pad.constant_input(first(pad), 2)), ElementsAre(2));

  const OnnxGraph slice = upgraded(
      {"Slice", {}, {}, {{"starts", integers({1})}, {"ends", integers({3})}, {"axes", integers({2})}}}, 9);
  EXPECT_THAT(integers_at(slice, 1), ElementsAre(1));
  EXPECT_THAT(integers_at(slice, 2), ElementsAre(3));
  EXPECT_THAT(integers_at(slice, 3), ElementsAre(2));

  const OnnxGraph split = upgraded({"Split", {}, {"a", "b"}, {{"split", integers({1, 3})}}}, 11);
  EXPECT_THAT(integers_at(split, 1), ElementsAre(1, 3));
  EXPECT_EQ(first(upgraded({"Split", {}, {"a", "b"}}, 13)).get_int("num_outputs", 0), 2);
}

TEST(UpgradeOnnx, WritesOutWhatSoftmaxMeant) {
  const OnnxGraph graph = upgraded({"Softmax", {}, {}, {{"axis", integer(1)}}}, 12);
  std::string operators;
  for (const OnnxNodeId id : graph.nodes()) operators += graph[id].op_type + " ";
  EXPECT_EQ(operators, "Flatten Softmax Shape Reshape ");
  EXPECT_EQ(graph[graph.nodes()[1]].get_int("axis", 1), -1);
  EXPECT_EQ(graph[graph.outputs()[0]].name, "y");

  const OnnxGraph last = upgraded({"Softmax", {}, {}, {{"axis", integer(-1)}}}, 12);
  EXPECT_EQ(last.node_count(), 1u);
  EXPECT_EQ(upgraded({"Softmax", {}, {}, {{"axis", integer(1)}}}, 13).node_count(), 1u);
}

TEST(UpgradeOnnx, MakesResizeOfUpsample) {
  const OnnxGraph graph =
      upgraded({"Upsample", {}, {}, {{"scales", reals({1, 2, 2})}, {"mode", text("nearest")}}}, 7);
  EXPECT_EQ(first(graph).op_type, "Resize");
  EXPECT_THAT(to_float(*graph.constant_input(first(graph), 2)), ElementsAre(1, 2, 2));
  EXPECT_EQ(first(graph).get_string("coordinate_transformation_mode", ""), "asymmetric");
  EXPECT_EQ(first(graph).get_string("nearest_mode", ""), "floor");
}

TEST(UpgradeOnnx, LeavesDropoutItsInputOnly) {
  const OnnxGraph graph = upgraded({"Dropout", {}, {}, {{"ratio", real(0.5f)}}}, 10);
  EXPECT_EQ(first(graph).inputs.size(), 1u);
  EXPECT_TRUE(first(graph).attributes.empty());
}

TEST(UpgradeOnnx, LeavesNewerFilesAsTheyAre) {
  const OnnxGraph graph = upgraded({"Relu"}, 25);
  EXPECT_EQ(first(graph).op_type, "Relu");
}

}  // namespace
}  // namespace calib8
