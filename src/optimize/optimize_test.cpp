#include "optimize/optimize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "optimize/compare.h"
#include "optimize/graph_builder.h"
#include "optimize/targets/targets.h"

namespace calib8::testing {
namespace {

TEST(Simplify, MergesPadsAndReshapesAndDropsWhatDoesNothing) {
  GraphBuilder b;
  TensorId x = b.pad(b.pad(b.input({1, 3, 3, 2}), {0, 0, 1, 0, 0, 2, 0, 0}), {0, 0, 2, 1, 0, 0, 0, 1});
  x = b.pad(x, {0, 0, 0, 0, 0, 0, 0, 0});
  x = b.binary(tflite::Mul{}, b.binary(tflite::Add{}, x, b.filled({}, 0)), b.filled({}, 1));
  b.output(b.reshape(b.reshape(b.reshape(x, b.shape_of(x)), {7, 15}), {105}));
  EXPECT_LE(difference_made(b), 0);
  EXPECT_EQ(kinds(b.graph), (Kinds{"PAD", "RESHAPE"}));
}

TEST(Simplify, GlobalPoolIsOneMean) {
  GraphBuilder b;
  tflite::AveragePool2D pool;
  pool.filter_height = 4;
  pool.filter_width = 3;
  b.output(b.reshape(b.emit(pool, {b.input({1, 4, 3, 5})}, {1, 1, 1, 5}), {1, 5}));
  EXPECT_LE(difference_made(b), 1e-12);
  EXPECT_EQ(kinds(b.graph), (Kinds{"MEAN"}));
  EXPECT_FALSE(first<tflite::Mean>(b.graph).keep_dims);
}

TEST(Simplify, EqualOperatorsBecomeOne) {
  GraphBuilder b;
  const TensorId x = b.input({1, 3});
  const TensorId one = b.binary(tflite::Mul{}, x, b.filled({}, 0.5f)),
                 two = b.binary(tflite::Mul{}, x, b.filled({}, 0.5f));
  const TensorId other = b.binary(tflite::Mul{}, x, b.filled({}, 0.25f));
  b.output(b.concatenation({one, two, other}, 1));
  EXPECT_LE(difference_made(b), 0);
  EXPECT_EQ(kinds(b.graph), (Kinds{"MUL", "MUL", "CONCATENATION"}));
}

TEST(Simplify, DropsWhatNobodyReads) {
  GraphBuilder b;
  const TensorId x = b.input({1, 3});
  b.unary(tflite::Tanh{}, b.unary(tflite::Logistic{}, x));
  b.output(b.unary(tflite::Relu{}, x));
  EXPECT_LE(difference_made(b), 0);
  EXPECT_EQ(b.graph.node_count(), 1u);
}

TEST(Finish, EveryOutputIsWrittenByAnOperatorOfItsOwn) {
  GraphBuilder b;
  const TensorId x = b.input({1, 3}), y = b.unary(tflite::Relu{}, x);
  for (const TensorId output : {x, y, y, x}) b.output(output);
  EXPECT_LE(difference_made(b), 0);
  EXPECT_THAT(kinds(b.graph), ::testing::UnorderedElementsAre("RELU", "RESHAPE", "RESHAPE", "RESHAPE"));
  std::set<TensorId> written;
  for (const TensorId output : b.graph.outputs()) {
    EXPECT_TRUE(b.graph.producer(output).exists());
    EXPECT_TRUE(written.insert(output).second);
  }
  prepare_for_integers(b.graph, litert_cpu());
  EXPECT_EQ(b.graph.node_count(), 4u);
}

TEST(Finish, ATensorTimesItselfIsReadTwice) {
  GraphBuilder b;
  const TensorId x = b.unary(tflite::Relu{}, b.input({1, 2, 3, 3}));
  b.output(b.emit(tflite::BatchMatMul{}, {x, x}, {1, 2, 3, 3}));
  optimize(b.graph);
  EXPECT_EQ(kinds(b.graph), (Kinds{"RELU", "RESHAPE", "BATCH_MATMUL"}));
  for (const OperatorId id : b.graph.nodes()) {
    const TfliteOperator& op = b.graph[id];
    EXPECT_TRUE(!op.is<tflite::BatchMatMul>() || op.inputs[0] != op.inputs[1]);
  }
}

TEST(Simplify, JoinsConstantsBeforeTheModelRuns) {
  GraphBuilder b;
  const TensorId x = b.input({1, 2, 3});
  const TensorId constants =
      b.concatenation({b.constant({1, 1, 3}), b.constant({1, 2, 3}), b.constant({1, 1, 3})}, 1);
  b.output(
      b.concatenation({x, constants, b.concatenation({b.constant({1, 2, 1}), b.constant({1, 2, 2})}, 2)}, 1));
  EXPECT_LE(difference_made(b), 0);
  EXPECT_EQ(kinds(b.graph), (Kinds{"CONCATENATION"}));
}

/// Two branches and an SE block, with operators appended and operands given in one of two orders.
TfliteGraph two_branches(bool other_way) {
  GraphBuilder b;
  const TensorId x = b.input({1, 4, 4, 2});
  const TensorId weights = b.filled({2, 1, 1, 2}, 0.5f), bias = b.filled({2}, 0.25f);
  const auto convolve = [&] { return b.emit(tflite::Conv2D{}, {x, weights, bias}, {1, 4, 4, 2}); };
  const auto activate = [&] { return b.unary(tflite::Tanh{}, b.unary(tflite::Logistic{}, x)); };
  TensorId main, side;
  if (other_way) {
    side = activate();
    main = convolve();
  } else {
    main = convolve();
    side = activate();
  }
  const TensorId sum = other_way ? b.binary(tflite::Add{}, side, main) : b.binary(tflite::Add{}, main, side);
  const TensorId three = b.filled(other_way ? Shape{1, 1, 1, 1} : Shape{}, 3);
  b.output(other_way ? b.emit(tflite::Mul{}, {three, sum}, {1, 4, 4, 2})
                     : b.binary(tflite::Mul{}, sum, three));
  return b.graph;
}

TEST(CanonicalOrder, DependsOnTheNetworkAlone) {
  TfliteGraph a = two_branches(false), b = two_branches(true);
  EXPECT_FALSE(differences(a, b, 0).empty());
  optimize(a);
  optimize(b);
  EXPECT_THAT(differences(a, b, 0), ::testing::IsEmpty());
}

TEST(CanonicalOrder, EveryTensorGetsANameOfItsOwn) {
  GraphBuilder b;
  const TensorId x = b.input({1, 3});
  const TensorId y = b.unary(tflite::Tanh{}, b.unary(tflite::Logistic{}, x));
  b.output(b.unary(tflite::Exp{}, y));
  for (const OperatorId id : b.graph.nodes()) b.graph[b.graph[id].outputs[0]].name = "same";
  b.graph[b.graph.outputs()[0]].name = "";
  optimize(b.graph);
  std::vector<std::string> names;
  for (const OperatorId id : b.graph.nodes()) names.push_back(b.graph[b.graph[id].outputs[0]].name);
  EXPECT_EQ(names, (std::vector<std::string>{"same/logistic", "same", "exp"}));
}

TEST(CanonicalOrder, WeightsWithMadeUpNamesAreNamedAfterTheirModule) {
  GraphBuilder b;
  const TensorId x = nhwc_convolution(b, b.input({1, 6, 6, 3}), 4);
  b.graph[x].name = "features.0.0";
  const OperatorId convolution = b.graph.producer(x);
  b.graph[b.graph[convolution].inputs[1]].name = "onnx::Conv_650";
  b.graph[b.graph[convolution].inputs[2]].name = "651";
  b.output(b.unary(tflite::Relu{}, x));
  optimize(b.graph);
  const TfliteOperator& fused = b.graph[b.graph.nodes()[0]];
  EXPECT_EQ(b.graph[fused.inputs[1]].name, "features.0.0.weight");
  EXPECT_EQ(b.graph[fused.inputs[2]].name, "features.0.0.bias");
}

TEST(Optimize, ASecondRunChangesNothing) {
  TfliteGraph graph = two_branches(true);
  optimize(graph);
  const std::string once = to_text(graph);
  const PassReport report = optimize(graph);
  EXPECT_EQ(to_text(graph), once);
  for (const PassRecord& record : report.passes) EXPECT_EQ(record.changes, 0u) << record.name;
}

TEST(Optimize, StopsAfterANamedPass) {
  TfliteGraph graph = two_branches(true);
  OptimizeOptions options;
  options.passes.stop_after = "fuse_activation";
  const PassReport report = optimize(graph, options);
  EXPECT_TRUE(report.stopped);
  EXPECT_EQ(graph.nodes().size(), two_branches(true).nodes().size());
}

TEST(Optimize, JoinsAndSplitsAsXnnpackTakesIt) {
  GraphBuilder b;
  TensorId y = b.unary(tflite::Neg{}, b.unary(tflite::Tanh{}, b.input({1, 4})));
  y = b.binary(tflite::Div{}, y, b.constant({4}, 0.5f, 2));
  std::vector<TensorId> parts{y};
  for (int i = 0; i < 27; ++i) parts.push_back(b.unary(tflite::Tanh{}, parts.back()));
  const TensorId joined = b.concatenation(parts, 1);
  b.output(b.concatenation(b.split(joined, 1, 7), 0));
  const auto inputs = b.draw_inputs();
  const auto before = evaluate(b.graph, inputs);
  optimize(b.graph);
  EXPECT_LE(largest_difference(before, evaluate(b.graph, inputs)), 1e-5);
  for (const OperatorId id : b.graph.nodes()) {
    const TfliteOperator& op = b.graph[id];
    EXPECT_FALSE(op.is<tflite::Div>() || op.is<tflite::Neg>() || op.is<tflite::Split>());
    if (op.is<tflite::Concatenation>()) {
      EXPECT_LE(op.inputs.size(), 5u);
    }
  }
}

// Weights that two readers of one network lay into memory of their own are the same weights.
TEST(Optimize, MergesOperatorsWithEqualLargeConstantsWhereverTheyLie) {
  for (const float last : {1.0f, 2.0f}) {
    GraphBuilder b;
    const TensorId x = b.input({1, 64});
    std::vector<TensorId> parts;
    for (const float value : {1.0f, last}) {
      std::vector<float> weights(64 * 64, 0.5f);
      weights.back() = value;
      const TensorId constant = b.graph.add_constant("w", make_tensor<float>({64, 64}, std::move(weights)));
      parts.push_back(b.emit(tflite::FullyConnected{}, {x, constant}, {1, 64}));
    }
    b.output(b.concatenation(parts, 1));
    optimize(b.graph);
    EXPECT_EQ(count_of<tflite::FullyConnected>(b.graph), last == 1.0f ? 1u : 2u);
  }
}

// LiteRT wants each output written by an operator, and each a tensor of its own.
TEST(Optimize, KeepsCopiesThatOutputsNeed) {
  GraphBuilder b;
  const TensorId x = b.input({1, 2, 3, 4});
  const TensorId there = b.transpose(x, {0, 3, 1, 2});
  b.output(b.transpose(there, {0, 2, 3, 1}));
  const TensorId y = b.unary(tflite::Tanh{}, x);
  b.output(y);
  b.output(b.reshape(y, {1, 2, 3, 4}));
  optimize(b.graph);
  std::set<std::uint32_t> distinct;
  for (const TensorId output : b.graph.outputs()) {
    EXPECT_TRUE(b.graph.producer(output).exists());
    EXPECT_TRUE(distinct.insert(output.index).second);
  }
}

TEST(PrepareForInt8, TakesApartWhatHasNoIntegerForm) {
  GraphBuilder b;
  const TensorId x = b.input({1, 6, 6, 4});
  tflite::AveragePool2D pool;
  pool.filter_height = pool.filter_width = pool.stride_height = pool.stride_width = 2;
  TensorId y = b.emit(pool, {x}, {1, 3, 3, 4});
  y = b.binary(tflite::Div{}, b.unary(tflite::Neg{}, y), b.constant({4}, 0.5f, 2));
  std::vector<TensorId> parts{y};
  for (int i = 0; i < 6; ++i) parts.push_back(b.unary(tflite::Tanh{}, parts.back()));
  const TensorId joined = b.concatenation(parts, 3);
  b.output(b.concatenation(b.split(b.reshape(joined, {1, 9, 28}), 2, 7), 1));
  const auto inputs = b.draw_inputs();
  const auto before = evaluate(b.graph, inputs);
  prepare_for_integers(b.graph, litert_cpu());
  EXPECT_LE(largest_difference(before, evaluate(b.graph, inputs)), 1e-5);
  for (const OperatorId id : b.graph.nodes()) {
    const TfliteOperator& op = b.graph[id];
    EXPECT_FALSE(op.is<tflite::Div>() || op.is<tflite::Neg>() || op.is<tflite::AveragePool2D>() ||
                 op.is<tflite::Split>());
    if (op.is<tflite::Concatenation>()) {
      EXPECT_LE(op.inputs.size(), 5u);
    }
  }
}

TEST(Float16Weights, HalvesWeightsAndNothingElse) {
  GraphBuilder b;
  b.output(nhwc_convolution(b, b.input({1, 4, 4, 3}), 4));
  const TensorId big = b.filled({2, 36}, 1e6f);
  b.output(b.emit(tflite::FullyConnected{}, {b.input({1, 36}), big}, {1, 2}));
  const auto inputs = b.draw_inputs();
  const auto before = evaluate(b.graph, inputs);
  store_weights_as_float16(b.graph);
  EXPECT_LE(largest_difference(before, evaluate(b.graph, inputs)), 0.05);
  EXPECT_EQ(kinds(b.graph), (Kinds{"DEQUANTIZE", "CONV_2D", "FULLY_CONNECTED"}));
  const OperatorId widen = b.graph.nodes()[0];
  EXPECT_EQ(b.graph[b.graph[widen].inputs[0]].dtype, DType::float16);
}

}  // namespace
}  // namespace calib8::testing
