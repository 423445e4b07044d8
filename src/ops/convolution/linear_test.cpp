#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_models.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

TEST(Gemm, WithConstantWeightsIsFullyConnected) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2});
  const auto w = model.counting("classifier.weight", {3, 2});
  const auto y =
      model.node("Gemm", "y", {x, w, model.counting("classifier.bias", {3})}, {{"transB", std::int64_t{1}}});
  EXPECT_EQ(model.shape_of(y), (Shape{1, 3}));
  const TfliteGraph graph = model.lower(y);
  EXPECT_THAT(operators_of(graph), ElementsAre("FULLY_CONNECTED"));
  const TfliteOperator& op = first<tflite::FullyConnected>(graph);
  EXPECT_EQ(graph[op.inputs[1]].name, "classifier.weight");
  EXPECT_EQ(graph[op.inputs[2]].name, "classifier.bias");
  EXPECT_EQ(graph[op.inputs[1]].constant->bytes().data(), model.graph[w].constant->data.bytes().data());
}

TEST(Gemm, FoldsFactorsAndTransposes) {
  SmallModel model;
  const auto x = model.input("x", Shape{2, 1});
  const auto y = model.node("Gemm", "y", {x, model.counting("w", {2, 3}), model.constant("b", {1, 1}, {4})},
                            {{"transA", std::int64_t{1}}, {"alpha", 2.0f}, {"beta", 0.5f}});
  EXPECT_EQ(model.shape_of(y), (Shape{1, 3}));
  const TfliteGraph graph = model.lower(y);
  EXPECT_THAT(operators_of(graph), ElementsAre("TRANSPOSE", "FULLY_CONNECTED"));
  const TfliteOperator& op = first<tflite::FullyConnected>(graph);
  EXPECT_EQ(graph[op.inputs[1]].shape, (Shape{3, 2}));
  EXPECT_THAT(floats_of(graph, op.inputs[1]), ElementsAre(0, 6, 2, 8, 4, 10));
  EXPECT_THAT(floats_of(graph, op.inputs[2]), ElementsAre(2, 2, 2));
}

TEST(Gemm, AddsApartWhatIsNoBias) {
  SmallModel model;
  const auto x = model.input("x", Shape{4, 2});
  const auto y = model.node("Gemm", "y", {x, model.counting("w", {2, 3}), model.counting("c", {4, 1})});
  EXPECT_THAT(operators_of(model.lower(y)), ElementsAre("FULLY_CONNECTED", "ADD"));
  SmallModel dynamic;
  const auto a = dynamic.input("a", Shape{4, 2}), b = dynamic.input("b", Shape{3, 2});
  const auto z = dynamic.node("Gemm", "z", {a, b, dynamic.counting("c", {3})}, {{"transB", std::int64_t{1}}});
  EXPECT_THAT(operators_of(dynamic.lower(z)), ElementsAre("BATCH_MATMUL", "ADD"));
  const auto w = dynamic.node("Gemm", "w", {a, b, dynamic.counting("d", {3})},
                              {{"transB", std::int64_t{1}}, {"beta", 2.0f}});
  EXPECT_THROW(dynamic.lower(w), Error);
}

TEST(Gemm, RefusesShapesThatDoNotFit) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2});
  EXPECT_THROW(model.node("Gemm", "y", {x, model.counting("w", {3, 2})}), Error);
  EXPECT_THROW(model.node("Gemm", "z", {x, model.counting("v", {2})}), Error);
}

TEST(MatMul, WithAConstantMatrixIsFullyConnected) {
  SmallModel model;
  const auto x = model.input("x", Shape{2, 5, 3});
  const auto y = model.node("MatMul", "y", {x, model.counting("w", {3, 4})});
  EXPECT_EQ(model.shape_of(y), (Shape{2, 5, 4}));
  const TfliteGraph graph = model.lower(y);
  const TfliteOperator& op = first<tflite::FullyConnected>(graph);
  EXPECT_EQ(op.options, (tflite::Options{tflite::FullyConnected{tflite::Activation::none, true}}));
  EXPECT_EQ(graph[op.inputs[1]].shape, (Shape{4, 3}));
  EXPECT_THAT(floats_of(graph, op.inputs[2]), ElementsAre(0, 0, 0, 0));
  EXPECT_EQ(tflite_op(op.options).version(graph, op), 5);
}

TEST(MatMul, OfVectorsDropsTheirDimensions) {
  const auto product = [](const Shape& a, const Shape& b, bool is_constant) {
    SmallModel model;
    const auto x = model.input("x", a);
    const auto w = is_constant ? model.counting("w", b) : model.input("w", b);
    const auto y = model.node("MatMul", "y", {x, w});
    const TfliteGraph graph = model.lower(y);
    EXPECT_EQ(graph[graph.outputs()[0]].shape, model.shape_of(y));
    return std::pair{model.shape_of(y), operators_of(graph)};
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(product({3}, {3, 4}, true), std::pair(Shape{4}, Names{"RESHAPE", "FULLY_CONNECTED", "RESHAPE"}));
  EXPECT_EQ(product({2, 3}, {3}, true), std::pair(Shape{2}, Names{"FULLY_CONNECTED", "RESHAPE"}));
  EXPECT_EQ(product({3}, {3}, true), std::pair(Shape{}, Names{"RESHAPE", "FULLY_CONNECTED", "RESHAPE"}));
  EXPECT_EQ(product({3}, {5, 3, 4}, false),
            std::pair(Shape{5, 4}, Names{"RESHAPE", "BATCH_MATMUL", "RESHAPE"}));
  EXPECT_EQ(product({5, 2, 3}, {3}, false),
            std::pair(Shape{5, 2}, Names{"RESHAPE", "BATCH_MATMUL", "RESHAPE"}));
  EXPECT_EQ(product({5, 1, 2, 3}, {7, 3, 4}, false), std::pair(Shape{5, 7, 2, 4}, Names{"BATCH_MATMUL"}));
}

TEST(LinearRows, SayVersions) {
  TfliteGraph graph;
  const auto x = graph.add_value({"x", DType::int8, {1, 2}, per_tensor(0.1f, 0), std::nullopt});
  const auto w = graph.add_constant("w", make_tensor<std::int8_t>({1, 2}, {5, 6}));
  graph[w].quantization = per_tensor(0.1f, 0);
  const auto y = graph.emit(tflite::FullyConnected{}, {x, w, TensorId{}}, "y", {1, 1}, DType::int8);
  graph[y].quantization = per_tensor(0.1f, 0);
  const TfliteOp& row = tflite_op(tflite::FullyConnected{});
  const OperatorId op = graph.nodes()[0];
  EXPECT_EQ(row.version(graph, graph[op]), 6);
  EXPECT_EQ(row.minimum_runtime(6), "2.1.0");
  EXPECT_TRUE(row.runs_on_xnnpack(graph, graph[op]));
  const auto b = graph.add_constant("b", std::vector<std::int32_t>{1});
  graph.set_input(op, 2, b);
  EXPECT_EQ(row.version(graph, graph[op]), 4);
  EXPECT_FALSE(row.runs_on_xnnpack(graph, graph[op]));  // a bias without quantization
  graph[b].quantization = per_tensor(0.01f, 0);
  EXPECT_TRUE(row.runs_on_xnnpack(graph, graph[op]));
}

TEST(LinearRows, BatchMatMulWantsASymmetricSecondOperand) {
  TfliteGraph graph;
  const auto a = graph.add_value({"a", DType::int8, {2, 2}, per_tensor(0.1f, 7), std::nullopt});
  const auto b = graph.add_value({"b", DType::int8, {2, 2}, per_tensor(0.1f, 0), std::nullopt});
  const auto y = graph.emit(tflite::BatchMatMul{}, {a, b}, "y", {2, 2}, DType::int8);
  graph[y].quantization = per_tensor(0.1f, 3);
  const TfliteOp& row = tflite_op(tflite::BatchMatMul{});
  EXPECT_TRUE(row.runs_on_xnnpack(graph, graph[graph.nodes()[0]]));
  graph[b].quantization = per_tensor(0.1f, 1);
  EXPECT_FALSE(row.runs_on_xnnpack(graph, graph[graph.nodes()[0]]));
}

}  // namespace
}  // namespace calib8
