#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calib8/error.h"
#include "simplify/passes.h"
#include "simplify/simplify.h"
#include "simplify/test_graph.h"

namespace calib8 {
namespace {

using ::testing::HasSubstr;

struct Branches : TestGraph {
  OnnxValueId x = input("x", Shape{1, 4});

  OnnxValueId truth(const std::string& value_name, bool value) {
    return add_constant(value_name,
                        {DType::boolean, {}, Data::from_vector(std::vector<std::uint8_t>{value})});
  }
  OnnxValueId truth_input(const std::string& value_name) {
    const OnnxValueId id = add_value({value_name, static_type(DType::boolean, {}), std::nullopt});
    std::vector<OnnxValueId> all = inputs();
    all.push_back(id);
    set_inputs(std::move(all));
    return id;
  }
  OnnxValueId choose(OnnxValueId condition, OnnxValueId then, OnnxValueId otherwise,
                     const std::string& node_name = "choose") {
    return emit("If", node_name, {condition, then, otherwise});
  }
};

std::string refusal(OnnxGraph& graph) {
  try {
    simplify(graph);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    return error.what();
  }
  return "(none)";
}

TEST(ChooseBranches, TakesTheOneThatTheConditionNames) {
  for (const bool value : {true, false}) {
    Branches graph;
    const OnnxValueId condition = graph.emit("Not", "n", {graph.truth("c", value)});
    const OnnxValueId then = graph.emit("Sigmoid", "t", {graph.x}),
                      otherwise = graph.emit("Tanh", "e", {graph.x});
    graph.set_outputs({graph.emit("Relu", "y", {graph.choose(condition, then, otherwise)})});
    simplify(graph);
    EXPECT_EQ(graph.operators(), value ? "Tanh Relu" : "Sigmoid Relu");
  }
}

TEST(ChooseBranches, NeedsNoTypesOfTheOther) {
  Branches graph;
  const OnnxValueId axes = graph.integers("axes", {1});
  const OnnxValueId squeezed = graph.emit("Squeeze", "s", {graph.x, axes});  // a size of 4
  const OnnxValueId same = graph.emit("Identity", "i", {graph.x});
  graph.set_outputs({graph.emit("Relu", "y", {graph.choose(graph.truth("c", false), squeezed, same)})});
  simplify(graph);
  EXPECT_EQ(graph.operators(), "Relu");
}

TEST(ChooseBranches, OutputsOfTheGraphKeepTheirNames) {
  Branches graph;
  const OnnxValueId then = graph.emit("Sigmoid", "t", {graph.x});
  const OnnxValueId y = graph.choose(graph.truth("c", true), then, graph.x, "y");
  graph.set_outputs({y, graph.emit("Relu", "z", {y})});
  simplify(graph);
  EXPECT_EQ(graph.operators(), "Sigmoid Relu");
  EXPECT_EQ(graph[graph.outputs()[0]].name, "y");
  EXPECT_EQ(graph[graph.outputs()[0]].type, static_type(DType::float32, {1, 4}));
}

TEST(ChooseBranches, TheNextConditionMayComeOutOfABranch) {
  Branches graph;
  const OnnxValueId first = graph.truth("c", true);
  const OnnxValueId next = graph.choose(first, graph.emit("Not", "n", {first}), first, "first");
  const OnnxValueId then = graph.emit("Sigmoid", "t", {graph.x}),
                    otherwise = graph.emit("Tanh", "e", {graph.x});
  graph.set_outputs({graph.emit("Relu", "y", {graph.choose(next, then, otherwise)})});
  simplify(graph);
  EXPECT_EQ(graph.operators(), "Tanh Relu");
}

TEST(ChooseBranches, SaysWhatWouldFixTheCondition) {
  Branches graph;
  const OnnxValueId flag = graph.truth_input("flag");
  graph.set_outputs(
      {graph.choose(graph.emit("Not", "n", {flag}), graph.x, graph.emit("Relu", "r", {graph.x}))});
  EXPECT_THAT(refusal(graph),
              HasSubstr("If 'choose': which branch it takes ('n') isn't known before the model runs; "
                        "it may be once inputs are fixed: --input flag=VALUE"));

  Branches sized;
  const OnnxValueId open = sized.input("open", std::vector<Dimension>{{-1, "n"}});
  const OnnxValueId is_one =
      sized.emit("Equal", "e", {sized.emit("Shape", "s", {open}), sized.integers("one", {1})});
  sized.set_outputs({sized.choose(is_one, sized.x, sized.emit("Relu", "r", {sized.x}))});
  EXPECT_THAT(refusal(sized), HasSubstr("--input-shape open=SIZES"));
}

TEST(ChooseBranches, RefusesAConditionThatIsNoBool) {
  Branches graph;
  graph.set_outputs({graph.choose(graph.number("c", 1), graph.x, graph.emit("Relu", "r", {graph.x}))});
  EXPECT_THAT(refusal(graph), HasSubstr("not one bool"));
}

}  // namespace
}  // namespace calib8
