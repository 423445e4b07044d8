#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

using Sizes = std::vector<Dimension>;
OnnxType real(Sizes sizes) {
  return {DType::float32, std::move(sizes)};
}
Attributes along(std::int64_t axis) {
  return {{"axis", axis}};
}

TEST(Concat, Infers) {
  const OnnxType a = real({named("batch"), sized(3), sized(7)}),
                 b = real({unknown_size, sized(5), unknown_size});
  EXPECT_EQ(inferred(SingleNode("Concat", {a, b}, along(1))), (Sizes{named("batch"), sized(8), sized(7)}));
  EXPECT_EQ(inferred(SingleNode("Concat", {a}, along(-1))), *a.shape);
  EXPECT_EQ(inferred(SingleNode("Concat", {a, a}, along(0))), (Sizes{unknown_size, sized(3), sized(7)}));
  EXPECT_THROW(SingleNode("Concat", {a, b}, along(0)).infer(), Error);
  EXPECT_THROW(SingleNode("Concat", {a, real({sized(1)})}, along(0)).infer(), Error);
  EXPECT_THROW(SingleNode("Concat", {a, a}, along(3)).infer(), Error);
  EXPECT_THROW(SingleNode("Concat", {a, a}).infer(), Error);
}

TEST(Concat, Folds) {
  const Tensor a = floats({2, 1}, {1, 2}), b = floats({2, 2}, {3, 4, 5, 6});
  EXPECT_THAT(folded_floats(SingleNode("Concat", {a, b}, along(1))), ElementsAre(1, 3, 4, 2, 5, 6));
  EXPECT_THAT(folded_floats(SingleNode("Concat", {b, b}, along(0))), ElementsAre(3, 4, 5, 6, 3, 4, 5, 6));
  EXPECT_THAT(folded_ints(SingleNode("Concat", {ints({1}), ints(Ints{}), ints({-1})}, along(0))),
              ElementsAre(1, -1));
  EXPECT_EQ(folded(SingleNode("Concat", {floats({0, 1}, {}), floats({0, 2}, {})}, along(1))).shape,
            (Shape{0, 3}));
}

TEST(Concat, LowersToOneOperatorWithoutEmptyParts) {
  SmallModel model;
  std::vector<OnnxValueId> parts;
  for (int i = 0; i < 9; ++i) parts.push_back(model.input("x" + std::to_string(i), Shape{1, i, 3}));
  const TfliteGraph graph = model.lower(model.node("Concat", "y", parts, along(1)));
  EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{1, 36, 3}));
  ASSERT_THAT(operators_of(graph), ElementsAre("CONCATENATION"));
  const TfliteOperator& joined = first<tflite::Concatenation>(graph);
  EXPECT_EQ(joined.get_if<tflite::Concatenation>()->axis, 1);
  EXPECT_EQ(joined.inputs, std::vector<TensorId>(graph.inputs().begin() + 1, graph.inputs().end()));
}

TEST(Split, Infers) {
  const OnnxType x = real({named("batch"), sized(7)});
  const SingleNode seven("Split", {x}, {{"axis", std::int64_t{1}}, {"num_outputs", std::int64_t{3}}}, 3);
  EXPECT_EQ(seven.infer()[0].shape, (Sizes{named("batch"), sized(3)}));
  EXPECT_EQ(seven.infer()[2].shape, (Sizes{named("batch"), sized(1)}));
  const SingleNode given("Split", {x, ints({2, 5})}, along(-1), 2);
  EXPECT_EQ(given.infer()[1].shape, (Sizes{named("batch"), sized(5)}));
  EXPECT_EQ(SingleNode("Split", {x}, along(0), 2).infer()[0].shape, (Sizes{unknown_size, sized(7)}));
  EXPECT_THROW(SingleNode("Split", {x, ints({2, 4})}, along(1), 2).infer(), Error);
  EXPECT_THROW(SingleNode("Split", {x, ints({8, -1})}, along(1), 2).infer(), Error);
  EXPECT_THROW(SingleNode("Split", {x, ints({7})}, along(1), 2).infer(), Error);
  EXPECT_THROW(SingleNode("Split", {x, ints({INT64_MAX, INT64_MAX})}, along(0), 2).infer(), Error);
}

TEST(Split, Folds) {
  const auto parts = SingleNode("Split", {counting_tensor({2, 3}), ints({1, 2})}, along(1), 2).fold();
  EXPECT_THAT(to_float(parts.at(0)), ElementsAre(0, 3));
  EXPECT_THAT(to_float(parts.at(1)), ElementsAre(1, 2, 4, 5));
}

/// The operators for a split of [1, 12] into these parts, of which the last is the output.
std::vector<std::string> lowered_split(const Ints& sizes) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 12});
  OnnxNode node{"Split", "split", {x, model.graph.add_constant("sizes", ints(sizes))}, {}, along(1)};
  for (const std::int64_t size : sizes) {
    node.outputs.push_back(
        model.graph.add_value({"part", static_type(DType::float32, {1, size}), std::nullopt}));
  }
  const OnnxValueId last = node.outputs.back();
  model.graph.append(std::move(node));
  const TfliteGraph graph = model.lower(last);
  EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{1, sizes.back()}));
  return operators_of(graph);
}

TEST(Split, LowersToSplitOrSlices) {
  EXPECT_THAT(lowered_split({6, 6}), ElementsAre("SPLIT"));
  EXPECT_THAT(lowered_split({3, 3, 3, 3}), ElementsAre("SPLIT"));
  EXPECT_THAT(lowered_split({2, 2, 2, 2, 2, 2}), ElementsAre("SPLIT"));
  EXPECT_THAT(lowered_split({5, 7}), ElementsAre("SLICE", "SLICE"));
  EXPECT_THAT(lowered_split({12}), ElementsAre());
}

TEST(Join, OnXnnpack) {
  const auto concat = [](std::size_t count, float first,
                         tflite::Activation activation = tflite::Activation::none) {
    std::vector<float> scales(count + 1, 1.0f);
    scales[0] = first;
    return SingleOperator(tflite::Concatenation{0, activation}, std::vector<Shape>(count, Shape{1}), {1},
                          scales)
        .on_xnnpack();
  };
  EXPECT_TRUE(concat(2, 1));
  EXPECT_TRUE(concat(5, 1));
  EXPECT_FALSE(concat(6, 1));
  EXPECT_FALSE(concat(2, 0.5f));
  EXPECT_FALSE(concat(2, 1, tflite::Activation::relu));
  EXPECT_EQ(rule_of(tflite::Concatenation{}).output, OutputRange::same_as_output);

  SingleOperator split(tflite::Split{2}, {{4}}, {2}, {1, 1});
  split.with({0}, true);
  EXPECT_FALSE(split.on_xnnpack());  // one output
  TfliteOperator two = split.graph[split.op];
  two.outputs = {split.graph.add_value(split.graph[two.outputs[0]]),
                 split.graph.add_value(split.graph[two.outputs[0]])};
  split.op = split.graph.append(two);
  EXPECT_TRUE(split.on_xnnpack());
  EXPECT_EQ(split.version(), 2);
  split.graph[two.outputs[1]].quantization = per_tensor(0.5f, 0);
  EXPECT_FALSE(split.on_xnnpack());
}

}  // namespace
}  // namespace calib8
