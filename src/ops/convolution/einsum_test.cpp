#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;
using Sizes = std::vector<Dimension>;

struct Lowered {
  Shape inferred;
  TfliteGraph graph;
};

Lowered einsum(const std::string& equation, const std::vector<Shape>& shapes) {
  SmallModel model;
  std::vector<OnnxValueId> inputs;
  for (const Shape& shape : shapes) inputs.push_back(model.input("x" + std::to_string(inputs.size()), shape));
  const OnnxValueId y = model.node("Einsum", "y", inputs, {{"equation", equation}});
  return {model.shape_of(y), model.lower(y)};
}

TEST(Einsum, InfersTheResultOfItsLetters) {
  const OnnxType a{DType::float32, Sizes{named("n"), sized(3), sized(4)}},
      b{DType::float32, Sizes{sized(4), sized(5)}};
  EXPECT_EQ(inferred(SingleNode("Einsum", {a, b}, {{"equation", std::string("nij,jk->nik")}})),
            (Sizes{named("n"), sized(3), sized(5)}));
  // Without an arrow the letters that occur once come out, in alphabetic order.
  EXPECT_EQ(inferred(SingleNode("Einsum", {b, b}, {{"equation", std::string("ji,jk")}})),
            (Sizes{sized(5), sized(5)}));
  EXPECT_THROW(SingleNode("Einsum", {a, b}, {{"equation", std::string("nij,kj->nik")}}).infer(), Error);
  EXPECT_THROW(SingleNode("Einsum", {a}, {{"equation", std::string("ni->n")}}).infer(), Error);
}

TEST(Einsum, IsAProductOfMatrices) {
  const Lowered product = einsum("bij,bjk->bik", {{2, 3, 4}, {2, 4, 5}});
  EXPECT_EQ(product.inferred, (Shape{2, 3, 5}));
  EXPECT_EQ(product.graph[product.graph.outputs()[0]].shape, product.inferred);
  EXPECT_EQ(product.graph[first<tflite::BatchMatMul>(product.graph).outputs[0]].shape.size(), 3u);
  const Lowered sum = einsum("ijk->ik", {{2, 3, 4}});
  EXPECT_EQ(sum.graph[sum.graph.outputs()[0]].shape, (Shape{2, 4}));
  EXPECT_NO_THROW(first<tflite::Sum>(sum.graph));
}

TEST(Einsum, RefusesADiagonal) {
  EXPECT_THROW(einsum("ii->i", {{3, 3}}), Error);
}

Attributes onesided(std::int64_t value) {
  return {{"onesided", value}};
}

TEST(Spectrum, InfersItsBins) {
  const OnnxType x{DType::float32, Sizes{named("n"), sized(16), sized(1)}};
  EXPECT_EQ(inferred(SingleNode("DFT", {x})), (Sizes{named("n"), sized(16), sized(2)}));
  EXPECT_EQ(inferred(SingleNode("DFT", {x}, onesided(1))), (Sizes{named("n"), sized(9), sized(2)}));
  EXPECT_EQ(inferred(SingleNode("DFT", {x, ints(Shape{}, {7})}, onesided(1))),
            (Sizes{named("n"), sized(4), sized(2)}));
  EXPECT_THROW(SingleNode("DFT", {x, ints(Shape{}, {0})}).infer(), Error);
  EXPECT_THROW(SingleNode("DFT", {x, std::monostate{}, ints(Shape{}, {2})}).infer(), Error)
      << "no signal's axis";
  const Tensor step = ints(Shape{}, {4});
  EXPECT_EQ(inferred(SingleNode("STFT", {x, step, floats({1, 1, 1, 1, 1, 1})})),
            (Sizes{named("n"), sized(3), sized(4), sized(2)}));
  EXPECT_THROW(SingleNode("STFT", {x, step, floats({1, 1}), ints(Shape{}, {6})}).infer(), Error);
  EXPECT_THROW(SingleNode("STFT", {x, ints(Shape{}, {0}), floats({1, 1})}).infer(), Error);
}

TEST(Spectrum, IsAProductWithCosinesAndSines) {
  SmallModel model;
  const TfliteGraph graph =
      model.lower(model.node("DFT", "y", {model.input("x", Shape{1, 4, 1})}, onesided(1)));
  const TensorId weights = first<tflite::FullyConnected>(graph).inputs[1];
  ASSERT_EQ(graph[weights].shape, (Shape{6, 4}));
  const std::vector<float> wave = floats_of(graph, weights);
  const auto row = [&](std::size_t number) {
    std::vector<int> rounded;
    for (std::size_t i = 0; i < 4; ++i)
      rounded.push_back(static_cast<int>(std::lround(wave[4 * number + i])));
    return rounded;
  };
  EXPECT_THAT(row(0), ElementsAre(1, 1, 1, 1)) << "bin 0, real part";
  EXPECT_THAT(row(2), ElementsAre(1, 0, -1, 0)) << "bin 1";
  EXPECT_THAT(row(3), ElementsAre(0, -1, 0, 1));
  EXPECT_THAT(row(4), ElementsAre(1, -1, 1, -1)) << "bin 2";
}

TEST(Spectrum, FramesAreAConvolution) {
  SmallModel model;
  const auto x = model.input("x", Shape{2, 20, 1});
  const auto step = model.graph.add_constant("step", ints(Shape{}, {4})),
             window = model.constant("w", {8}, {1, 2, 3, 4, 4, 3, 2, 1});
  const TfliteGraph graph = model.lower(model.node("STFT", "y", {x, step, window}));
  const TfliteOperator& op = first<tflite::Conv2D>(graph);
  EXPECT_EQ(op.get_if<tflite::Conv2D>()->stride_width, 4);
  EXPECT_EQ(graph[op.inputs[1]].shape, (Shape{10, 1, 8, 1}));
  EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{2, 4, 5, 2}));
}

TEST(Spectrum, RefusesHalfOfWhatIsNotReal) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 8, 2});
  EXPECT_THROW(model.lower(model.node("DFT", "y", {x}, onesided(1))), Error);
}

}  // namespace
}  // namespace calib8
