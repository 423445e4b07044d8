#include "read/onnx/onnx_flatten.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "calib8/error.h"
#include "read/onnx/onnx.h"
#include "read/onnx/onnx_test_model.h"

namespace calib8 {
namespace {

using namespace onnx_test;
using testing::ElementsAre;
using testing::HasSubstr;

Bytes graph_of(const std::vector<Node>& nodes, const std::vector<std::string>& outputs,
               const std::vector<Bytes>& initializers = {}) {
  Bytes graph;
  protozero::pbf_builder<proto::Graph> builder(graph);
  for (const Node& each : nodes) builder.add_message(proto::Graph::node, node(each));
  for (const Bytes& each : initializers) builder.add_message(proto::Graph::initializer, each);
  for (const std::string& output : outputs)
    builder.add_message(proto::Graph::output, value_info(output, {1, 3}));
  return graph;
}

Node choice(const std::string& condition, const std::vector<std::string>& outputs, const Bytes& then,
            const Bytes& otherwise) {
  return {"If",
          {condition},
          outputs,
          {{"then_branch", subgraph(then)}, {"else_branch", subgraph(otherwise)}},
          "choose"};
}

/// x and a condition c, an input of bool, or a value of the graph.
Model model_of(std::vector<Node> nodes) {
  Model model;
  model.nodes = std::move(nodes);
  model.inputs = {value_info("x", {1, 3}), value_info("c", {}, 9)};
  model.outputs = {value_info("y", {1, 3})};
  return model;
}

OnnxGraph read(const Model& model) {
  return read_onnx(data_of(model.bytes()), "m.onnx");
}

std::string refusal(const Model& model) {
  try {
    read(model);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    return error.what();
  }
  return "(none)";
}

std::vector<std::string> operators(const OnnxGraph& graph) {
  std::vector<std::string> names;
  for (const OnnxNodeId id : graph.nodes()) names.push_back(graph[id].op_type);
  return names;
}

const OnnxNode& last(const OnnxGraph& graph) {
  return graph[graph.nodes().back()];
}

TEST(OnnxFlatten, BranchesStandBehindTheirConditionAndHaveNamesOfTheirOwn) {
  const Bytes then = graph_of({{"Relu", {"x"}, {"t"}}}, {"t"}),
              otherwise = graph_of({{"Neg", {"x"}, {"t"}}}, {"t"});
  // In the file the condition is computed last, which no runtime minds.
  Model model = model_of({choice("n", {"y"}, then, otherwise), {"Not", {"c"}, {"n"}}});
  const OnnxGraph graph = read(model);
  EXPECT_THAT(operators(graph), ElementsAre("Not", "Relu", "Neg", "If"));
  const OnnxNode& choose = last(graph);
  ASSERT_EQ(choose.inputs.size(), 3u);
  EXPECT_EQ(graph[choose.inputs[0]].name, "n");
  EXPECT_EQ(graph[graph.producer(choose.inputs[1])].op_type, "Relu");
  EXPECT_EQ(graph[graph.producer(choose.inputs[2])].op_type, "Neg");
}

TEST(OnnxFlatten, BranchesGiveWhatTheyTakeAndTheirOwnConstants) {
  const Bytes then = graph_of({}, {"x", "x"});
  const Bytes otherwise = graph_of({}, {"w", "x"}, {raw_tensor<float>("w", 1, {1, 3}, {1, 2, 3})});
  const OnnxGraph graph = read(model_of({choice("c", {"y", "z"}, then, otherwise)}));
  const OnnxNode& choose = last(graph);
  ASSERT_EQ(choose.inputs.size(), 5u);
  EXPECT_EQ(choose.inputs[1], choose.inputs[2]);
  EXPECT_EQ(graph[choose.inputs[1]].name, "x");
  EXPECT_TRUE(graph[choose.inputs[3]].constant);
  EXPECT_EQ(choose.inputs[4], choose.inputs[1]);
}

TEST(OnnxFlatten, ABranchInABranchWaitsForBothConditions) {
  const Bytes leaf = graph_of({{"Relu", {"x"}, {"t"}}}, {"t"});
  const Bytes then = graph_of({choice("c", {"t"}, leaf, leaf)}, {"t"});
  const OnnxGraph graph = read(model_of({choice("n", {"y"}, then, leaf), {"Not", {"c"}, {"n"}}}));
  EXPECT_THAT(operators(graph), ElementsAre("Not", "Relu", "Relu", "If", "Relu", "If"));
}

TEST(OnnxFlatten, RefusesBranchesThatContradict) {
  const Bytes one = graph_of({{"Relu", {"x"}, {"t"}}}, {"t"}),
              two = graph_of({{"Relu", {"x"}, {"t"}}}, {"t", "x"});
  EXPECT_THAT(refusal(model_of({choice("c", {"y"}, one, two)})),
              HasSubstr("1 outputs, and its else_branch 2"));
  Node half = choice("c", {"y"}, one, one);
  half.attributes.pop_back();
  EXPECT_THAT(refusal(model_of({half})), HasSubstr("If 'choose' (node 0) has no else_branch"));
  Node without = choice("c", {"y"}, one, one);
  without.inputs.clear();
  EXPECT_THAT(refusal(model_of({without})), HasSubstr("has no condition"));
  const Bytes twice = graph_of({{"Relu", {"x"}, {"t"}}, {"Neg", {"x"}, {"t"}}}, {"t"});
  EXPECT_THAT(refusal(model_of({choice("c", {"y"}, twice, one)})), HasSubstr("'t' is defined twice"));
  const Bytes unknown = graph_of({{"Relu", {"nobody"}, {"t"}}}, {"t"});
  EXPECT_THAT(refusal(model_of({choice("c", {"y"}, unknown, one)})),
              HasSubstr("'nobody', which nothing computes"));
}

TEST(OnnxFlatten, RefusesWhatNestsWithoutEnd) {
  Bytes body = graph_of({{"Relu", {"x"}, {"t"}}}, {"t"});
  for (int depth = 0; depth < 20; ++depth)
    body = graph_of({choice("c", {"t"}, body, graph_of({}, {"x"}))}, {"t"});
  EXPECT_THAT(refusal(model_of({choice("c", {"y"}, body, body)})), HasSubstr("without end"));
}

TEST(OnnxFlatten, RefusesLoopsByName) {
  const Bytes body = graph_of({{"Relu", {"x"}, {"t"}}}, {"t"});
  const Node loop{"Loop", {"", "c", "x"}, {"y"}, {{"body", subgraph(body)}}, "decode"};
  EXPECT_THAT(refusal(model_of({loop})), HasSubstr("Loop 'decode' (node 0) runs a subgraph again and again"));
}

}  // namespace
}  // namespace calib8
