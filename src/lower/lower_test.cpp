#include "lower/lower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calib8/error.h"

namespace calib8 {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Adds a node whose result has that type.
OnnxValueId add(OnnxGraph& graph, const std::string& op, const std::string& name,
                std::vector<OnnxValueId> inputs, const Shape& shape,
                std::map<std::string, OnnxAttribute> attributes = {}) {
  const OnnxValueId result = graph.emit(op, name, std::move(inputs), std::move(attributes));
  graph[result].type = static_type(DType::float32, shape);
  return result;
}

OnnxValueId add_input(OnnxGraph& graph, const std::string& name, OnnxType type) {
  const OnnxValueId id = graph.add_value({name, std::move(type), std::nullopt});
  std::vector<OnnxValueId> inputs = graph.inputs();
  inputs.push_back(id);
  graph.set_inputs(inputs);
  return id;
}

OnnxValueId filled(OnnxGraph& graph, const std::string& name, const Shape& shape) {
  const auto count = static_cast<std::size_t>(element_count(shape).value());
  const OnnxValueId id = graph.add_constant(name, make_tensor(shape, std::vector<float>(count, 0.5f)));
  graph[id].type = static_type(DType::float32, shape);
  return id;
}

std::string message_of(const OnnxGraph& graph) {
  try {
    lower(graph);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    return error.message();
  }
  return "lowered";
}

TEST(Lower, ImageInputsAndFeatureMapsComeChannelsLast) {
  OnnxGraph graph;
  const OnnxValueId image = add_input(graph, "image", static_type(DType::float32, {1, 3, 8, 6}));
  const OnnxValueId features =
      add(graph, "Conv", "conv", {image, filled(graph, "w", {4, 3, 1, 1}), filled(graph, "b", {4})},
          {1, 4, 8, 6});
  graph[features].name = "features";
  const OnnxValueId activated = add(graph, "Relu", "relu", {features}, {1, 4, 8, 6});
  graph[activated].name = "activated";
  graph.set_outputs({activated});
  const TfliteGraph lowered = lower(graph);
  EXPECT_EQ(lowered.input_names, std::vector<std::string>{"image"});
  EXPECT_EQ(lowered.output_names, std::vector<std::string>{"activated"});
  EXPECT_EQ(lowered[lowered.inputs()[0]].shape, (Shape{1, 8, 6, 3}));
  EXPECT_EQ(lowered[lowered.inputs()[0]].name, "image");
  EXPECT_EQ(lowered[lowered.outputs()[0]].shape, (Shape{1, 8, 6, 4}));
}

TEST(Lower, OtherRanksPassAsTheyAre) {
  OnnxGraph graph;
  const OnnxValueId x = add_input(graph, "x", static_type(DType::float32, {2, 3, 5}));
  const OnnxValueId y = add(graph, "Sigmoid", "s", {x}, {2, 3, 5});
  graph[y].name = "y";
  graph.set_outputs({y});
  const TfliteGraph lowered = lower(graph);
  EXPECT_EQ(lowered[lowered.inputs()[0]].shape, (Shape{2, 3, 5}));
  EXPECT_EQ(lowered[lowered.outputs()[0]].shape, (Shape{2, 3, 5}));
  EXPECT_EQ(lowered.node_count(), 1u);
}

TEST(Lower, ConstantsThatNobodyReadsDontAppear) {
  OnnxGraph graph;
  filled(graph, "unused", {1000});
  const OnnxValueId x = add_input(graph, "x", static_type(DType::float32, {2}));
  const OnnxValueId y = add(graph, "Sigmoid", "s", {x}, {2});
  graph.set_outputs({y});
  EXPECT_THAT(to_text(lower(graph)), Not(HasSubstr("unused")));
}

TEST(Lower, SaysAllThatItCannotDoAtOnce) {
  OnnxGraph graph;
  const OnnxValueId ids = add_input(graph, "ids", static_type(DType::int64, {1, 4}));
  const OnnxValueId image =
      add_input(graph, "image", {DType::float32, std::vector<Dimension>{{1, ""}, {-1, "height"}}});
  const OnnxValueId x = add_input(graph, "x", static_type(DType::float32, {2}));
  // Nothing is known of what an unknown operator gives; that alone is no second complaint.
  const OnnxValueId odd = graph.emit("Frobnicate", "first", {x}, {});
  const OnnxValueId behind = graph.emit("Sigmoid", "behind", {odd}, {});
  const OnnxValueId other = graph.emit("Wibble", "second", {behind, ids, image}, {});
  graph.set_outputs({other});
  EXPECT_THAT(message_of(graph),
              AllOf(HasSubstr("3 things"), HasSubstr("Frobnicate 'first'"), HasSubstr("Wibble 'second'"),
                    HasSubstr("input 'image' has no fixed shape"), Not(HasSubstr("behind"))));
}

TEST(Lower, SaysAnUnsupportedOperatorOnce) {
  OnnxGraph graph;
  const OnnxValueId x = add_input(graph, "x", static_type(DType::float32, {2}));
  const OnnxValueId a = add(graph, "Frobnicate", "first", {x}, {2});
  const OnnxValueId b = add(graph, "Wibble", "between", {a}, {2});
  graph.set_outputs({add(graph, "Frobnicate", "last", {b}, {2})});
  EXPECT_THAT(message_of(graph), AllOf(HasSubstr("2 things"), HasSubstr("Frobnicate 'first' (2 times)"),
                                       HasSubstr("Wibble 'between': "), Not(HasSubstr("last"))));
}

TEST(Lower, WholeNumbersEnterAsInt32InTheirOwnOrder) {
  OnnxGraph graph;
  const OnnxValueId ids = add_input(graph, "ids", static_type(DType::int64, {1, 2, 3, 4}));
  const OnnxValueId numbers = add(graph, "Cast", "cast", {ids}, {1, 2, 3, 4}, {{"to", std::int64_t{1}}});
  graph.set_outputs({numbers});
  const TfliteGraph lowered = lower(graph);
  EXPECT_EQ(lowered[lowered.inputs()[0]].dtype, DType::int32);
  EXPECT_EQ(lowered[lowered.inputs()[0]].shape, (Shape{1, 2, 3, 4}));
}

TEST(Lower, NamesARowsRefusal) {
  OnnxGraph graph;
  const OnnxValueId x = add_input(graph, "x", static_type(DType::float32, {1, 3, 8, 6}));
  // A Conv with weights that are no constant of rank 4.
  const OnnxValueId y = add(graph, "Conv", "strange", {x, filled(graph, "w", {4, 3})}, {1, 4, 8, 6});
  graph.set_outputs({y});
  EXPECT_THAT(message_of(graph), HasSubstr("strange"));
}

TEST(Lower, RefusesWhatNoKernelTakes) {
  OnnxGraph graph;
  const OnnxValueId x = add_input(graph, "x", static_type(DType::float32, Shape(7, 2)));
  graph.set_outputs(
      {add(graph, "Concat", "join", {x, x}, {2, 2, 2, 2, 2, 2, 4}, {{"axis", std::int64_t{6}}})});
  EXPECT_THAT(message_of(graph),
              HasSubstr("CONCATENATION 'join': of 7 dimensions; LiteRT takes 6 at most there"));

  OnnxGraph empty;
  const OnnxValueId nothing = add_input(empty, "nothing", static_type(DType::float32, {1, 0}));
  empty.set_outputs({add(empty, "Relu", "relu", {nothing}, {1, 0})});
  EXPECT_THAT(message_of(empty), HasSubstr("input 'nothing' of shape [1, 0] has no elements"));
}

}  // namespace
}  // namespace calib8
