#include "simplify/rewrite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calib8/error.h"
#include "simplify/signature.h"
#include "simplify/simplify.h"
#include "simplify/spelling.h"
#include "simplify/test_graph.h"

namespace calib8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<Dimension> open_images{{-1, "batch"}, {8, {}}, {4, {}}, {4, {}}};

TEST(Simplify, WaitsForARankThatIsComputed) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", *static_type(DType::float32, {1, 2, 1, 4, 4}).shape);
  const OnnxValueId sizes = graph.emit("Shape", "sizes", {x});
  const OnnxValueId axes =
      graph.emit("Slice", "axes", {sizes, graph.integers("start", {1}), graph.integers("end", {2})});
  const OnnxValueId squeezed = graph.emit("Squeeze", "squeezed", {x, axes});
  graph.set_outputs(
      {graph.emit("MaxPool", "pool", {squeezed}, {{"kernel_shape", std::vector<std::int64_t>{2, 2}}})});
  simplify(graph);
  EXPECT_EQ(graph.operators(), "Squeeze MaxPool");
}

TEST(Simplify, KnowsTheSizeOfWhatItComputes) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", *static_type(DType::float32, {2, 3}).shape);
  const OnnxValueId count = graph.emit("Size", "count", {graph.emit("Relu", "relu", {x})});
  const OnnxValueId shape = graph.emit("Unsqueeze", "shape", {count, graph.integers("axes", {0})});
  graph.set_outputs({graph.emit("Reshape", "flat", {x, shape})});
  simplify(graph);
  EXPECT_EQ(graph.operators(), "Reshape");
}

TEST(Simplify, GivesOneFormToMeanAndPool) {
  // What the classic exporter, the dynamo exporter and x.mean([2, 3]) write.
  std::vector<std::string> texts;
  for (const int spelling : {0, 1, 2, 3}) {
    TestGraph graph;
    const OnnxValueId x =
        graph.input("x", spelling == 3 ? open_images : *static_type(DType::float32, {1, 8, 4, 4}).shape);
    OnnxValueId y;
    if (spelling == 0) {
      y = graph.emit("Flatten", "flat", {graph.emit("GlobalAveragePool", "pool", {x})});
    } else if (spelling == 2) {
      y = graph.emit("ReduceMean", "flat", {x, graph.integers("axes", {3, 2})},
                     {{"keepdims", std::int64_t{0}}});
    } else {
      y = graph.emit("ReduceMean", "pool", {x, graph.integers("axes", {-1, -2})});
      y = graph.emit("Reshape", "flat", {y, graph.integers("to", {spelling == 1 ? 1 : -1, 8})});
    }
    graph.set_outputs({y});
    simplify(graph);
    EXPECT_EQ(graph.operators(), "GlobalAveragePool Flatten") << "spelling " << spelling;
    EXPECT_TRUE(graph.node(1).attributes.empty());
  }
}

TEST(Simplify, UndoesTheSpellingOfModelOnnx) {
  TestGraph graph;
  OnnxValueId x = graph.emit("GlobalAveragePool", "first", {graph.input("x", open_images)});
  x = graph.emit("Flatten", "flat", {graph.emit("GlobalAveragePool", "second", {x})});
  graph.set_outputs({x});
  simplify(graph);
  const std::string simplified = graph.operators();
  spell_for_onnx_runtime(graph);
  EXPECT_EQ(graph.operators(), "ReduceMean ReduceMean Flatten");
  EXPECT_THAT(to_int64(*graph.constant_input(graph.node(1), 1)), ElementsAre(2, 3));
  simplify(graph);
  EXPECT_EQ(graph.operators(), simplified);
}

TEST(Simplify, LeavesAMeanOverOtherAxes) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", Shape{1, 8, 4, 4});
  graph.set_outputs({graph.emit("ReduceMean", "mean", {x, graph.integers("axes", {1, 2})})});
  simplify(graph);
  EXPECT_EQ(graph.operators(), "ReduceMean");
}

TEST(Simplify, FollowsAnOpenBatchThroughViewsOfIt) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", open_images);
  const OnnxValueId size = graph.emit(
      "Gather", "size",
      {graph.emit("Shape", "shape", {x}), graph.add_constant("zero", make_tensor<std::int64_t>({}, {0}))});
  const OnnxValueId batch = graph.emit("Unsqueeze", "batch", {size, graph.integers("axes", {0})});
  const OnnxValueId to =
      graph.emit("Concat", "to", {batch, graph.integers("rest", {-1})}, {{"axis", std::int64_t{0}}});
  graph.set_outputs({graph.emit("Reshape", "view", {x, to})});
  simplify(graph);
  EXPECT_EQ(graph.operators(), "Flatten");
  EXPECT_EQ(graph[graph.outputs()[0]].type->shape->at(0).symbol, "batch");
  EXPECT_EQ(graph[graph.outputs()[0]].type->shape->at(1).size, 128);
}

TEST(Simplify, FoldsWhatOnlyDependsOnConstantsAndShapes) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", Shape{2, 3});
  const OnnxValueId rows = graph.emit("Shape", "rows", {x}, {{"end", std::int64_t{1}}});
  const OnnxValueId to =
      graph.emit("Concat", "to", {rows, graph.integers("rest", {3, 1})}, {{"axis", std::int64_t{0}}});
  graph.set_outputs({graph.emit("Reshape", "y", {x, to})});
  simplify(graph);
  ASSERT_EQ(graph.operators(), "Reshape");
  EXPECT_THAT(to_int64(*graph.constant_input(graph.node(0), 1)), ElementsAre(2, 3, 1));
}

TEST(Simplify, DoesNotFoldASmallFileIntoMuchMemory) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", Shape{1});
  const OnnxValueId huge =
      graph.emit("ConstantOfShape", "huge", {graph.integers("sizes", {1 << 20, 1 << 10})});
  graph.set_outputs({graph.emit("Add", "y", {x, huge})});
  simplify(graph);
  EXPECT_EQ(graph.operators(), "ConstantOfShape Add");
}

TEST(Simplify, DropsIdentitiesAndWhatNobodyReads) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", Shape{1, 3});
  graph.emit("Sigmoid", "unused", {graph.emit("Exp", "before", {x})});
  const OnnxValueId y = graph.emit("Relu", "relu", {graph.emit("Identity", "same", {x})});
  graph.set_outputs({graph.emit("Dropout", "out", {y})});
  simplify(graph);
  EXPECT_EQ(graph.operators(), "Relu");
  EXPECT_EQ(graph[graph.outputs()[0]].name, "out");
}

TEST(Simplify, KeepsAnIdentityBetweenInputAndOutput) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", Shape{1, 3});
  const OnnxValueId y = graph.emit("Relu", "y", {x});
  graph.set_outputs({graph.emit("Identity", "same", {x}), y, graph.emit("Identity", "again", {y})});
  simplify(graph);
  EXPECT_EQ(graph.operators(), "Relu Identity Identity");
}

TEST(Simplify, WritesMatrixProductsAsGemmWithRows) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", Shape{1, 2});
  OnnxValueId y = graph.emit("MatMul", "linear", {x, graph.floats("w", {2, 3}, {1, 2, 3, 4, 5, 6})});
  y = graph.emit("Add", "bias", {graph.floats("b", {3}, {7, 8, 9}), y});
  graph.set_outputs({y});
  simplify(graph);
  ASSERT_EQ(graph.operators(), "Gemm");
  EXPECT_EQ(graph.node(0).get_int("transB", 0), 1);
  EXPECT_THAT(graph.constant_of(0, 1), ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(graph.constant_of(0, 2), ElementsAre(7, 8, 9));
}

TEST(Simplify, MovesAlphaAndBetaIntoTheConstants) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", Shape{1, 2});
  graph.set_outputs(
      {graph.emit("Gemm", "gemm",
                  {x, graph.floats("w", {3, 2}, {1, 2, 3, 4, 5, 6}), graph.floats("b", {1, 3}, {1, 2, 3})},
                  {{"transB", std::int64_t{1}}, {"alpha", 2.0f}, {"beta", 10.0f}})});
  simplify(graph);
  EXPECT_THAT(graph.constant_of(0, 1), ElementsAre(2, 4, 6, 8, 10, 12));
  EXPECT_THAT(graph.constant_of(0, 2), ElementsAre(10, 20, 30));
  EXPECT_FALSE(graph.node(0).has("alpha"));
}

TEST(Simplify, GivesEveryLinearLayerABias) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", Shape{1, 1, 2, 2});
  graph.set_outputs({graph.emit("Conv", "conv", {x, graph.floats("conv.weight", {2, 1, 1, 1}, {1, 2})})});
  simplify(graph);
  EXPECT_THAT(graph.constant_of(0, 2), ElementsAre(0, 0));
  EXPECT_EQ(graph[graph.node(0).inputs[2]].name, "conv.bias");
}

TEST(Simplify, OrdersOperandsByTheirDepth) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", Shape{1, 3});
  const OnnxValueId gate = graph.emit("Sigmoid", "gate", {x});
  const OnnxValueId product = graph.emit("Mul", "product", {gate, x});
  graph.set_outputs({graph.emit("Add", "sum", {graph.number("one", 1), product})});
  simplify(graph);
  EXPECT_EQ(graph.node(1).inputs[0], x);
  EXPECT_EQ(graph.node(2).inputs[0], product);
}

TEST(Simplify, RewritesAClipThatIsARelu) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", Shape{1, 3});
  const OnnxValueId y = graph.emit("Clip", "relu", {x, graph.number("zero", 0)});
  graph.set_outputs({graph.emit("Clip", "relu6", {y, graph.number("low", 0), graph.number("high", 6)})});
  simplify(graph);
  EXPECT_EQ(graph.operators(), "Relu Clip");
}

TEST(Simplify, CastsLikeAKnownType) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", Shape{1, 3});
  const OnnxValueId one = graph.emit("CastLike", "one", {graph.integers("n", {1}), x});
  graph.set_outputs({graph.emit("Add", "y", {x, one})});
  simplify(graph);
  ASSERT_EQ(graph.operators(), "Add");
  EXPECT_EQ(graph.constant_input(graph.node(0), 1)->dtype, DType::float32);
}

TEST(Simplify, IsDoneAfterOnce) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", Shape{1, 2});
  const OnnxValueId y = graph.emit("MatMul", "linear", {x, graph.floats("w", {2, 3}, {1, 2, 3, 4, 5, 6})});
  graph.set_outputs({graph.emit("Clip", "relu", {y, graph.number("zero", 0)})});
  simplify(graph);
  const std::string text = to_text(graph);
  for (const PassRecord& pass : simplify(graph).passes) EXPECT_EQ(pass.changes, 0u) << pass.name;
  EXPECT_EQ(to_text(graph), text);
}

TEST(Simplify, DisablesAndStopsByName) {
  for (const std::string_view name : simplify_pass_names()) {
    TestGraph graph;
    const OnnxValueId x = graph.input("x", Shape{1, 2});
    graph.set_outputs({graph.emit("Identity", "y", {graph.emit("Relu", "relu", {x})})});
    EXPECT_NO_THROW(simplify(graph, {.disabled = {std::string(name)}})) << name;
    EXPECT_TRUE(simplify(graph, {.stop_after = std::string(name)}).stopped) << name;
  }
}

// x.view(x.size(0), -1) a hundred times over: the sizes behind each Reshape are known when those before it
// are.
TEST(Simplify, SettlesAnyNumberOfComputedReshapes) {
  TestGraph graph;
  OnnxValueId x = graph.input("x", Shape{2, 3, 4});
  const OnnxValueId first = graph.integers("first", {0});
  for (int i = 0; i < 200; ++i) {
    const std::string number = std::to_string(i);
    const OnnxValueId shape = graph.emit("Shape", "shape" + number, {x});
    const OnnxValueId batch = graph.emit("Gather", "batch" + number, {shape, first});
    const OnnxValueId doubled =
        graph.emit("Mul", "rows" + number, {batch, graph.integers("k" + number, {1})});
    const OnnxValueId rest = graph.integers("rest" + number, {-1, i % 2 == 0 ? 4 : 3});
    const OnnxValueId to = graph.emit("Concat", "to" + number, {doubled, rest}, {{"axis", std::int64_t{0}}});
    x = graph.emit("Reshape", "reshape" + number, {graph.emit("Relu", "relu" + number, {x}), to});
  }
  graph.set_outputs({x});
  simplify(graph);
  EXPECT_EQ(graph[x].type->static_shape(), (Shape{2, 4, 3}));
  EXPECT_EQ(graph.node_count(), 400u);
}

std::size_t constant_bytes(const OnnxGraph& graph) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    const auto& constant = graph[graph.value_at(i)].constant;
    if (constant) bytes += constant->data.size();
  }
  return bytes;
}

TEST(Simplify, FoldsNoMoreThanItsBoundOutOfALittle) {
  TestGraph doubled;  // each Concat twice as long as the one before
  OnnxValueId constant = doubled.floats("o", {1}, {1});
  for (int i = 0; i < 40; ++i)
    constant =
        doubled.emit("Concat", "c" + std::to_string(i), {constant, constant}, {{"axis", std::int64_t{0}}});
  doubled.set_outputs({doubled.emit("Add", "y", {doubled.input("x", Shape{1}), constant})});
  simplify(doubled);
  EXPECT_LT(constant_bytes(doubled), std::size_t{65} << 20);

  TestGraph many;  // a thousand constants of a megabyte, of which the file says only the shape
  const OnnxValueId shape = many.integers("shape", {1 << 18});
  OnnxValueId x = many.input("x", Shape{1 << 18});
  for (int i = 0; i < 1000; ++i) {
    const std::string number = std::to_string(i);
    x = many.emit("Add", "y" + number, {x, many.emit("ConstantOfShape", "c" + number, {shape})});
  }
  many.set_outputs({x});
  simplify(many);
  EXPECT_LT(constant_bytes(many), std::size_t{66} << 20);
}

TEST(FreeName, NumbersWhatIsTaken) {
  TestGraph graph;
  graph.number("w", 1);
  graph.number("w_1", 1);
  EXPECT_EQ(graph.free_name("v"), "v");
  EXPECT_EQ(graph.free_name("w"), "w_2");
  EXPECT_EQ(graph.free_name("w"), "w_3");
  graph.number("w_4", 1);
  EXPECT_EQ(graph.free_name("w"), "w_5");
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    return error.what();
  }
  return "(none)";
}

TEST(Signature, FillsInWhatIsOpen) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", {{-1, "batch"}, {3, {}}, {-1, "h"}, {-1, {}}});
  EXPECT_THAT(message_of([&] { require_static_inputs(graph); }), HasSubstr("'x' [batch, 3, h, ?]"));
  set_input_size(graph, 225, 161);
  fix_batch(graph, 1);
  require_static_inputs(graph);
  EXPECT_EQ(graph[x].type->static_shape(), (Shape{1, 3, 225, 161}));
}

TEST(Signature, RefusesToChangeWhatIsFixed) {
  TestGraph graph;
  graph.input("x", Shape{8, 3, 224, 224});
  EXPECT_NO_THROW(set_input_size(graph, 224, 224));
  EXPECT_THAT(message_of([&] { set_input_size(graph, 225, 161); }), HasSubstr("225x161"));
}

TEST(Signature, FixesTheBatchWhereItIsOpen) {
  TestGraph graph;
  const OnnxValueId open = graph.input("x", open_images), fixed = graph.input("z", Shape{8, 3});
  fix_batch(graph, 1);
  EXPECT_EQ(graph[open].type->shape->at(0).size, 1);
  EXPECT_EQ(graph[fixed].type->shape->at(0).size, 8);
}

TEST(Signature, OpensTheBatchUnlessTheGraphFixesIt) {
  for (const bool fixed : {false, true}) {
    TestGraph graph;
    const OnnxValueId x = graph.input("x", Shape{1, 8, 2, 2});
    // Simplifying finds the Flatten in the first; the second mixes what belongs to the batch with the rest.
    const auto to =
        graph.integers("to", fixed ? std::vector<std::int64_t>{1, 8, 4} : std::vector<std::int64_t>{1, 32});
    graph.set_outputs({graph.emit("Reshape", "y", {x, to})});
    simplify(graph);
    if (fixed) {
      EXPECT_THAT(message_of([&] { open_batch(graph); }), HasSubstr("fixed batch of 1"));
    } else {
      open_batch(graph);
      EXPECT_EQ(graph[graph.outputs()[0]].type->shape->at(0).symbol, "batch");
    }
  }
}

}  // namespace
}  // namespace calib8
