#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

using Sizes = std::vector<Dimension>;

/// A slice of 0, 1, 2, 3, 4 and what ONNX Runtime 1.32 makes of it.
struct SliceCase {
  std::int64_t start, end, step;
  Floats values;
};
const SliceCase cases[] = {
    {0, 5, 1, {0, 1, 2, 3, 4}},
    {1, -1, 1, {1, 2, 3}},
    {-3, INT64_MAX, 1, {2, 3, 4}},
    {4, 0, -1, {4, 3, 2, 1}},
    {-1, INT64_MIN, -1, {4, 3, 2, 1, 0}},
    {INT64_MAX, INT64_MIN, -2, {4, 2, 0}},
    {-100, 3, 1, {0, 1, 2}},
    {-100, INT64_MIN, -1, {0}},
    {2, 100, 2, {2, 4}},
    {0, 5, 3, {0, 3}},
    {3, 1, 1, {}},
    {1, 3, -1, {}},
    {4, -6, -3, {4, 1}},
    {0, -6, -1, {0}},
    {1, INT64_MAX, INT64_MAX, {1}},
    {4, INT64_MIN, INT64_MIN, {4}},
    {5, 6, 1, {}},
};

TEST(Slice, FoldsAsOnnxRuntimeDoes) {
  for (const SliceCase& c : cases) {
    const SingleNode node("Slice",
                          {counting_tensor({5}), ints({c.start}), ints({c.end}), ints({0}), ints({c.step})});
    EXPECT_EQ(folded_floats(node), c.values) << c.start << ':' << c.end << ':' << c.step;
  }
}

TEST(Slice, FoldsInnerAxes) {
  const Tensor x = counting_tensor({2, 3, 2});
  EXPECT_THAT(folded_floats(SingleNode("Slice", {x, ints({1, 0}), ints({3, 1}), ints({1, -1})})),
              ElementsAre(2, 4, 8, 10));
  EXPECT_THAT(folded_floats(SingleNode("Slice", {x, ints({-1}), ints({INT64_MIN}), ints({1}), ints({-2})})),
              ElementsAre(4, 5, 0, 1, 10, 11, 6, 7));
}

TEST(Slice, Infers) {
  const OnnxType x{DType::float32, Sizes{named("batch"), sized(7), unknown_size}};
  EXPECT_EQ(inferred(SingleNode("Slice", {x, ints({1}), ints({INT64_MAX}), ints({1}), ints({2})})),
            (Sizes{named("batch"), sized(3), unknown_size}));
  EXPECT_EQ(inferred(SingleNode("Slice", {x, ints({0, 0}), ints({INT64_MAX, 3})})),
            (Sizes{named("batch"), sized(3), unknown_size}));
  EXPECT_EQ(inferred(SingleNode("Slice", {x, ints({1}), ints({INT64_MAX})})),
            (Sizes{unknown_size, sized(7), unknown_size}));
  EXPECT_EQ(inferred(SingleNode("Slice", {x, ints({1}), static_type(DType::int64, {1})})), Sizes(3));
}

TEST(Slice, RefusesWhatCannotBeRight) {
  const OnnxType x = static_type(DType::float32, {4, 4});
  EXPECT_THROW(SingleNode("Slice", {x, ints({0}), ints({1, 2})}).infer(), Error);
  EXPECT_THROW(SingleNode("Slice", {x, ints({0}), ints({1}), ints({0}), ints({0})}).infer(), Error);
  EXPECT_THROW(SingleNode("Slice", {x, ints({0}), ints({1}), ints({2})}).infer(), Error);
  EXPECT_THROW(SingleNode("Slice", {x, ints({0, 0}), ints({1, 1}), ints({1, -1})}).infer(), Error);
  EXPECT_THROW(SingleNode("Slice", {x, ints({0, 0, 0}), ints({1, 1, 1})}).infer(), Error);
}

TfliteGraph lowered_slice(std::int64_t start, std::int64_t end, std::int64_t step) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 5, 2});
  std::vector<OnnxValueId> inputs{x};
  for (const std::int64_t value : {start, end, std::int64_t{1}, step}) {
    inputs.push_back(model.graph.add_constant("constant", ints({value})));
  }
  return model.lower(model.node("Slice", "y", inputs));
}

TEST(Slice, LowersToSlice) {
  const TfliteGraph graph = lowered_slice(-3, INT64_MAX, 1);
  const TfliteOperator& slice = first<tflite::Slice>(graph);
  EXPECT_THAT(graph.constant_integers(slice.inputs[1]), ElementsAre(0, 2, 0));
  EXPECT_THAT(graph.constant_integers(slice.inputs[2]), ElementsAre(1, 3, 2));
  EXPECT_EQ(lowered_slice(0, 5, 1).node_count(), 0u);
  EXPECT_THROW(lowered_slice(3, 3, 1), Error);
}

TEST(Slice, LowersStepsToStridedSlice) {
  const TfliteGraph graph = lowered_slice(1, 5, 2);
  const TfliteOperator& slice = first<tflite::StridedSlice>(graph);
  EXPECT_THAT(graph.constant_integers(slice.inputs[1]), ElementsAre(0, 1, 0));
  EXPECT_THAT(graph.constant_integers(slice.inputs[2]), ElementsAre(1, 5, 2));
  EXPECT_THAT(graph.constant_integers(slice.inputs[3]), ElementsAre(1, 2, 1));
  EXPECT_EQ(graph[slice.outputs[0]].shape, (Shape{1, 2, 2}));

  const TfliteGraph backwards = lowered_slice(-1, INT64_MIN, -1);
  const TfliteOperator& reverse = first<tflite::StridedSlice>(backwards);
  EXPECT_EQ(reverse.get_if<tflite::StridedSlice>()->end_mask, 2);
  EXPECT_THAT(backwards.constant_integers(reverse.inputs[1]), ElementsAre(0, 4, 0));
  EXPECT_THAT(backwards.constant_integers(reverse.inputs[3]), ElementsAre(1, -1, 1));
}

TEST(Slice, OnXnnpack) {
  const auto slice = [](const std::vector<std::int32_t>& size, float in, float out) {
    return SingleOperator(tflite::Slice{}, {{4, 4}}, {4, 2}, {in, out}).with({0, 1}).with(size).on_xnnpack();
  };
  EXPECT_TRUE(slice({4, 2}, 0, 0));
  EXPECT_TRUE(slice({4, 2}, 1, 1));
  EXPECT_FALSE(slice({4, 2}, 1, 2));
  EXPECT_FALSE(slice({-1, 2}, 1, 1));

  const auto strided = [](tflite::StridedSlice op, std::int32_t stride) {
    return SingleOperator(op, {{4, 4}}, {4, 2}).with({0, 1}).with({4, 3}).with({1, stride}).on_xnnpack();
  };
  EXPECT_TRUE(strided({}, 1));
  EXPECT_TRUE(strided({.begin_mask = 1, .end_mask = 1}, 1));
  EXPECT_FALSE(strided({}, 2));
  EXPECT_FALSE(strided({.shrink_axis_mask = 1}, 1));
  EXPECT_FALSE(strided({.new_axis_mask = 1}, 1));
  EXPECT_FALSE(strided({.ellipsis_mask = 1}, 1));
}

TEST(Slice, Versions) {
  const Shape five(5, 1);
  EXPECT_EQ(SingleOperator(tflite::Slice{}, {five}, five).version(), 5);
  EXPECT_EQ(SingleOperator(tflite::Slice{}, {{1}}, {1}, {1, 1}).version(), 2);
  EXPECT_EQ(SingleOperator(tflite::StridedSlice{}, {five}, five).version(), 4);
  EXPECT_EQ(SingleOperator(tflite::StridedSlice{.new_axis_mask = 1}, {{1}}, {1}).version(), 6);
}

}  // namespace
}  // namespace calib8
