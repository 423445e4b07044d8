#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

using Sizes = std::vector<Dimension>;
const Tensor no_roi = floats(Shape{0}, {});

Attributes resize(const std::string& mode, const std::string& coordinates,
                  const std::string& rounding = "floor") {
  return {{"mode", mode}, {"coordinate_transformation_mode", coordinates}, {"nearest_mode", rounding}};
}

TEST(Resize, Infers) {
  const OnnxType x{DType::float32, Sizes{named("batch"), sized(3), sized(7), named("w")}};
  EXPECT_EQ(inferred(SingleNode("Resize", {x, no_roi, floats({1, 1, 1.5f, 2})})),
            (Sizes{named("batch"), sized(3), sized(10), unknown_size}));
  EXPECT_EQ(inferred(SingleNode("Resize", {x, no_roi, floats(Shape{0}, {}), ints({1, 3, 14, 20})})),
            (Sizes{sized(1), sized(3), sized(14), sized(20)}));
  const Attributes last_two = {{"axes", Ints{-2, -1}}};
  EXPECT_EQ(inferred(SingleNode("Resize", {x, no_roi, std::monostate{}, ints({14, 20})}, last_two)),
            (Sizes{named("batch"), sized(3), sized(14), sized(20)}));
  EXPECT_THROW(SingleNode("Resize", {x, no_roi, floats({2, 2})}).infer(), Error);
  EXPECT_THROW(SingleNode("Resize", {x, no_roi, floats({1, 1, 0, 1})}).infer(), Error);
  EXPECT_THROW(SingleNode("Resize", {x, no_roi, floats({1, 1, 1e30f, 1})}).infer(), Error);
}

/// The model [1, 3, height, width] resized to [1, 3, to_height, to_width].
TfliteGraph lowered(const Attributes& attributes, const Shape& from, const Shape& to) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 3, from[0], from[1]});
  const auto sizes = model.graph.add_constant("sizes", ints({1, 3, to[0], to[1]}));
  return model.lower(model.node("Resize", "y", {x, OnnxValueId{}, OnnxValueId{}, sizes}, attributes));
}

template <class Op>
Op form_of(const Attributes& attributes, const Shape& from, const Shape& to) {
  const TfliteGraph graph = lowered(attributes, from, to);
  EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{1, 3, to[0], to[1]}));
  return *first<Op>(graph).template get_if<Op>();
}

TEST(Resize, ChoosesTheFormForNearest) {
  using Op = tflite::ResizeNearestNeighbor;
  const Op plain{}, half{{.half_pixel_centers = true}}, corners{{.align_corners = true}};
  EXPECT_EQ(form_of<Op>(resize("nearest", "asymmetric"), {7, 5}, {14, 13}), plain);
  EXPECT_EQ(form_of<Op>(resize("nearest", "half_pixel", "round_prefer_floor"), {7, 5}, {21, 10}), plain);
  EXPECT_EQ(form_of<Op>(resize("nearest", "half_pixel", "round_prefer_ceil"), {7, 5}, {10, 3}), half);
  EXPECT_EQ(form_of<Op>(resize("nearest", "align_corners", "round_prefer_ceil"), {4, 4}, {7, 9}), corners);
}

TEST(Resize, ChoosesTheFormForLinear) {
  using Op = tflite::ResizeBilinear;
  const Op plain{}, half{{.half_pixel_centers = true}}, corners{{.align_corners = true}};
  EXPECT_EQ(form_of<Op>(resize("linear", "half_pixel"), {7, 5}, {14, 13}), half);
  EXPECT_EQ(form_of<Op>(resize("linear", "pytorch_half_pixel"), {7, 5}, {3, 13}), half);
  EXPECT_EQ(form_of<Op>(resize("linear", "align_corners"), {7, 5}, {14, 13}), corners);
  EXPECT_EQ(form_of<Op>(resize("linear", "asymmetric"), {7, 5}, {14, 13}), plain);
  EXPECT_THROW(lowered(resize("linear", "tf_crop_and_resize"), {7, 5}, {14, 13}), Error);
  EXPECT_THROW(lowered(resize("linear", "half_pixel"), {7, 5}, {1LL << 31, 13}), Error);
}

TEST(Resize, GoesAxisByAxisWhereNoKernelDoesIt) {
  EXPECT_THAT(operators_of(lowered(resize("nearest", "asymmetric", "ceil"), {7, 5}, {14, 13})),
              ElementsAre("GATHER", "GATHER"));
  const TfliteGraph cubic = lowered(resize("cubic", "half_pixel"), {7, 5}, {7, 13});
  EXPECT_THAT(operators_of(cubic), ElementsAre("FULLY_CONNECTED"));
  // Each row of weights takes all of a constant.
  const std::vector<float> weights = floats_of(cubic, first<tflite::FullyConnected>(cubic).inputs[1]);
  for (std::size_t row = 0; row < 13; ++row)
    EXPECT_NEAR(std::accumulate(weights.begin() + 5 * row, weights.begin() + 5 * (row + 1), 0.0), 1, 1e-6);
}

TEST(Resize, HasItsImageInNhwc) {
  const TfliteGraph graph = lowered(resize("linear", "half_pixel"), {7, 5}, {14, 10});
  EXPECT_THAT(operators_of(graph), ElementsAre("TRANSPOSE", "RESIZE_BILINEAR", "TRANSPOSE"));
  const TfliteOperator& op = first<tflite::ResizeBilinear>(graph);
  EXPECT_EQ(graph[op.inputs[0]].shape, (Shape{1, 7, 5, 3}));
  EXPECT_THAT(graph.constant_integers(op.inputs[1]), ElementsAre(14, 10));
  EXPECT_EQ(lowered(resize("linear", "half_pixel"), {7, 5}, {7, 5}).node_count(), 0u);
}

TEST(Resize, TakesTheScaleWhereItIsNotTheSizes) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 1, 7, 7});
  const auto scales = model.constant("scales", {4}, {1, 1, 1.6f, 1});  // 11.2 rows, of which 11 are made
  const auto y = model.node("Resize", "y", {x, OnnxValueId{}, scales}, resize("linear", "half_pixel"));
  EXPECT_EQ(model.shape_of(y), (Shape{1, 1, 11, 7}));
  EXPECT_THAT(operators_of(model.lower(y)), ElementsAre("TRANSPOSE", "FULLY_CONNECTED", "TRANSPOSE"));
}

TEST(Resize, TakesAnyAxes) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2, 4, 4});
  const auto scales = model.constant("scales", {4}, {1, 2, 2, 2});
  EXPECT_THAT(operators_of(model.lower(
                  model.node("Resize", "y", {x, OnnxValueId{}, scales}, resize("nearest", "asymmetric")))),
              ElementsAre("GATHER", "GATHER", "GATHER"));
}

TEST(Resize, VersionsAndXnnpack) {
  const auto op = [](tflite::Options options, float in, float out) {
    return SingleOperator(std::move(options), {{1, 4, 4, 2}}, {1, 8, 8, 2}, {in, out}).with({8, 8});
  };
  const tflite::Resize half{.half_pixel_centers = true}, corners{.align_corners = true};
  EXPECT_EQ(op(tflite::ResizeBilinear{half}, 0, 0).version(), 3);
  EXPECT_EQ(op(tflite::ResizeBilinear{corners}, 1, 1).version(), 2);
  EXPECT_EQ(op(tflite::ResizeNearestNeighbor{corners}, 0, 0).version(), 3);
  EXPECT_EQ(op(tflite::ResizeNearestNeighbor{}, 1, 1).version(), 2);
  EXPECT_TRUE(op(tflite::ResizeBilinear{half}, 1, 1).on_xnnpack());
  EXPECT_TRUE(op(tflite::ResizeBilinear{half}, 0, 0).on_xnnpack());
  EXPECT_FALSE(op(tflite::ResizeBilinear{half}, 1, 2).on_xnnpack());
  EXPECT_FALSE(op(tflite::ResizeNearestNeighbor{}, 1, 1).on_xnnpack());
  EXPECT_FALSE(op(tflite::ResizeNearestNeighbor{}, 0, 0).on_xnnpack());
}

}  // namespace
}  // namespace calib8
