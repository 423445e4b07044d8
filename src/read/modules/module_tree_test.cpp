#include "read/modules/module_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calib8/error.h"
#include "read/checkpoint_for_tests.h"
#include "read/modules/build_module.h"
#include "read/modules/find_module.h"
#include "read/modules/module_checkpoint.h"

namespace calib8 {
namespace {

using namespace pickled;
using testing::ElementsAre;
using testing::HasSubstr;

using Entries = std::vector<std::pair<std::string, std::string>>;

/// An instance of a class with this state, as torch.save writes modules.
std::string instance(const std::string& module, const std::string& name, const std::string& state) {
  return global(module, name) + ")\x81" + state + "b";
}

std::string module_of(const std::string& module, const std::string& name, Entries attributes,
                      const Entries& parameters = {}, const Entries& children = {}) {
  attributes.emplace_back("_parameters", dict(parameters));
  attributes.emplace_back("_modules", dict(children));
  return instance(module, name, dict(attributes));
}

/// y = [1 2; 3 4; 5 6] x + [10 20 30]
std::string linear() {
  return module_of("torch.nn.modules.linear", "Linear", {},
                   {{"weight", tensor(storage("0", 6), 0, {3, 2}, {2, 1})},
                    {"bias", tensor(storage("1", 3), 0, {3}, {1})}});
}

std::string sequential(const Entries& children, const Entries& attributes = {}) {
  return module_of("torch.nn.modules.container", "Sequential", attributes, {}, children);
}

Data file_of(const std::string& value) {
  return Data::from_vector([&] {
    const std::string bytes = archive(value, {floats({1, 2, 3, 4, 5, 6}), floats({10, 20, 30})});
    return std::vector<char>(bytes.begin(), bytes.end());
  }());
}

struct Opened {
  explicit Opened(const std::string& value) : data(file_of(value)), source(open_checkpoint(data, where)) {}

  ModuleTree tree() const { return {source, find_module(source.pickle).value().module, data.size(), where}; }

  std::string where = "model.pt";
  Data data;
  CheckpointSource source;
};

std::string refusal_of(const std::string& value) {
  try {
    const Opened file(value);
    const auto found = find_module(file.source.pickle);
    if (!found) return "no module";
    build_module(file.tree(), 8, 8);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    return error.message();
  }
  return "built";
}

TEST(ModuleTree, IsPlainData) {
  const Opened file(
      sequential({{"fc", linear()}, {"none", "N"}}, {{"note", text("x")}, {"rate", number(3)}}));
  const ModuleTree tree = file.tree();
  EXPECT_EQ(tree.root().class_name(), "torch.nn.modules.container.Sequential");
  EXPECT_EQ(tree.root().text("note", ""), "x");
  EXPECT_EQ(tree.root().number("rate", 0), 3);
  EXPECT_EQ(tree.root().integer("absent", 7), 7);
  ASSERT_EQ(tree.root().children().size(), 1u);
  EXPECT_EQ(tree.root().child("fc").place(), "fc");
  EXPECT_EQ(tree.root().find_child("none"), nullptr);
  const StateDict state = tree.state_dict();
  ASSERT_EQ(state.size(), 2u);
  EXPECT_THAT(state.find("fc.bias")->as<float>(), ElementsAre(10, 20, 30));
}

TEST(ModuleTree, BecomesAGraph) {
  const Opened file(
      sequential({{"fc", linear()}, {"act", module_of("torch.nn.modules.activation", "ReLU", {})}}));
  const BuiltModule built = build_module(file.tree(), 8, 8);
  EXPECT_EQ(built.input.shape, (Shape{1, 2}));
  EXPECT_FALSE(built.input.takes_image);
  std::vector<std::string> operators;
  for (const OnnxNodeId id : built.graph.nodes()) operators.push_back(built.graph[id].op_type);
  EXPECT_THAT(operators, ElementsAre("Gemm", "Relu"));
  EXPECT_EQ(built.last_layer, "act, a ReLU");
  verify(built.graph, "building");
}

TEST(ModuleTree, NamesClassesThatItDoesNotKnow) {
  const std::string unknown = module_of("mine", "Block", {});
  EXPECT_THAT(refusal_of(unknown), HasSubstr("\"mine.Block\""));
  EXPECT_THAT(
      refusal_of(sequential({{"fc", linear()}, {"own", unknown}})),
      testing::AllOf(HasSubstr("\"own\""), HasSubstr("\"mine.Block\""), HasSubstr("torch.onnx.export")));
}

TEST(ModuleTree, TakesNoCallForAModule) {
  const std::string called = call(global("mine", "make"), ")");
  EXPECT_THAT(refusal_of(sequential({{"fc", linear()}, {"x", called}})), HasSubstr("\"mine.make\""));
  EXPECT_THAT(refusal_of(sequential({{"fc", linear()}}, {{"list", "](" + called + "e"}})),
              HasSubstr("\"mine.make\""));
  EXPECT_EQ(refusal_of(sequential({{"fc", linear()}}, {{"name", global("mine", "make")}})), "built");
  EXPECT_EQ(refusal_of(sequential({{"fc", linear()}}, {{"kept", instance("mine", "Config", "}")}})), "built");
  EXPECT_THAT(refusal_of(sequential({{"fc", linear()}, {"x", instance("mine", "Block", "(K\x01t")}})),
              HasSubstr("state is no dict"));
  EXPECT_THAT(refusal_of(sequential({{"fc", linear()}, {"x", text("a module")}})), HasSubstr("\"x\""));
  EXPECT_THAT(
      refusal_of(sequential({{"fc", linear()}}, {{"_forward_hooks", dict({{"0", global("mine", "hook")}})}})),
      HasSubstr("hook"));
}

TEST(FindModule, TakesAnAverageBeforeTheModel) {
  const Opened file(dict({{"model", sequential({{"a", linear()}})}, {"ema", sequential({{"b", linear()}})}}));
  EXPECT_EQ(find_module(file.source.pickle)->path, "ema");
  EXPECT_THAT(find_module(file.source.pickle)->others, ElementsAre("model"));
  EXPECT_EQ(find_module(file.source.pickle, "model")->path, "model");
  EXPECT_TRUE(find_module(file.source.pickle, "model")->is_wanted);
}

TEST(FindModule, LeavesAStateDictToItsReader) {
  const std::string state = dict({{"weight", tensor(storage("0", 6), 0, {3, 2}, {2, 1})}});
  EXPECT_FALSE(find_module(Opened(dict({{"state_dict", state}, {"model", sequential({})}})).source.pickle));
  EXPECT_FALSE(find_module(Opened(state).source.pickle));
}

}  // namespace
}  // namespace calib8
