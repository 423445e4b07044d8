#include "ops/infer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

const SingleNode some_node("Identity", {OnnxType{DType::float32, Dimensions{}}});

TEST(Infer, NormalizesAxes) {
  const NodeView view = some_node.view();
  EXPECT_EQ(normalized_axis(view, -1, 3), 2);
  EXPECT_EQ(normalized_axis(view, 0, 3), 0);
  EXPECT_THROW(normalized_axis(view, 3, 3), Error);
  EXPECT_THROW(normalized_axis(view, -4, 3), Error);
  EXPECT_THAT(normalized_axes(view, {-1, 0}, 3), ElementsAre(0, 2));
  EXPECT_THROW(normalized_axes(view, {-1, 2}, 3), Error);
}

TEST(Infer, Broadcasts) {
  const NodeView view = some_node.view();
  const Dimension batch = named("batch");
  EXPECT_EQ(broadcast(view, {batch, sized(3), sized(1)}, {sized(3), sized(5)}),
            (Dimensions{batch, sized(3), sized(5)}));
  EXPECT_EQ(broadcast(view, {batch}, {batch}), Dimensions{batch});
  EXPECT_EQ(broadcast(view, {batch}, {named("other")}), Dimensions{unknown_size});
  EXPECT_EQ(broadcast(view, {batch}, {sized(4)}), Dimensions{sized(4)});
  EXPECT_EQ(broadcast(view, {sized(1)}, {batch}), Dimensions{batch});
  EXPECT_EQ(broadcast(view, {sized(0)}, {sized(1)}), Dimensions{sized(0)});
  EXPECT_THROW(broadcast(view, {sized(2)}, {sized(3)}), Error);
}

TEST(Infer, MultipliesAndAddsSizes) {
  const NodeView view = some_node.view();
  EXPECT_EQ(product(view, {sized(3), sized(4)}), sized(12));
  EXPECT_EQ(product(view, {}), sized(1));
  EXPECT_EQ(product(view, {named("batch"), sized(1)}), named("batch"));
  EXPECT_EQ(product(view, {named("batch"), sized(2)}), unknown_size);
  EXPECT_EQ(product(view, {named("batch"), sized(0)}), sized(0));
  EXPECT_THROW(product(view, {sized(1LL << 40), sized(1LL << 40)}), Error);
  EXPECT_EQ(sum(view, sized(3), sized(4)), sized(7));
  EXPECT_EQ(sum(view, sized(3), named("n")), unknown_size);
  EXPECT_THROW(sum(view, sized(INT64_MAX), sized(1)), Error);
}

/// What the classic exporter writes for x.view(x.size(0), -1), and x of a symbolic batch.
TEST(Infer, LooksThroughShapeArithmetic) {
  SmallModel model;
  const auto x =
      model.input("x", {DType::float32, Dimensions{named("batch"), sized(12), sized(7), sized(7)}});
  const auto shape = model.node("Shape", "shape", {x});
  const auto index = model.graph.add_constant("index", ints({}, {0}));
  const auto axes = model.graph.add_constant("axes", ints({0}));
  const auto size = model.node("Gather", "gather", {shape, index}, {{"axis", std::int64_t{0}}});
  const auto row = model.node("Unsqueeze", "unsqueeze", {size, axes});
  const auto rest = model.graph.add_constant("rest", ints({-1}));
  const auto wanted = model.node("Concat", "concat", {row, rest}, {{"axis", std::int64_t{0}}});
  const auto y = model.node("Reshape", "y", {x, wanted});
  EXPECT_EQ(model.graph[y].type->shape, (Dimensions{named("batch"), sized(12 * 49)}));

  const NodeView view{model.graph, model.graph[model.graph.producer(y)]};
  EXPECT_EQ(known_elements(view, 1), (Dimensions{named("batch"), unknown_size}));
}

TEST(Infer, KnowsTheNumberOfElementsAlone) {
  const SingleNode node("Reshape", {OnnxType{DType::float32, std::nullopt}, static_type(DType::int64, {3})});
  EXPECT_EQ(known_elements(node.view(), 1), Dimensions(3));
  const SingleNode huge("Reshape",
                        {OnnxType{DType::float32, std::nullopt}, static_type(DType::int64, {1LL << 40})});
  EXPECT_EQ(known_elements(huge.view(), 1), std::nullopt);
}

TEST(Infer, StopsLookingInDeepChains) {
  SmallModel model;
  const auto x = model.input("x", {DType::float32, Dimensions{named("batch")}});
  auto value = model.node("Shape", "shape", {x});
  for (int i = 0; i < 100000; ++i) value = model.node("Identity", "i" + std::to_string(i), {value});
  const auto y = model.node("Reshape", "y", {x, value});
  EXPECT_EQ(model.graph[y].type->shape->size(), 1u);
}

TEST(Infer, StopsLookingInWideChains) {
  SmallModel model;
  const auto x = model.input("x", {DType::float32, Dimensions{named("batch")}});
  auto value = model.graph.add_constant("none", ints(Ints{}));
  for (int i = 0; i < 20; ++i) {
    const std::vector<OnnxValueId> many(100, value);
    value = model.node("Concat", "c" + std::to_string(i), many, {{"axis", std::int64_t{0}}});
  }
  EXPECT_EQ(model.graph[model.node("Reshape", "y", {x, value})].type->shape, Dimensions{});
}

TEST(Infer, RefusesRealNumbersWhereIntegersBelong) {
  const SingleNode node("ReduceMean", {static_type(DType::float32, {2}), floats({0})});
  EXPECT_THROW(node.infer(), Error);
}

}  // namespace
}  // namespace calib8
