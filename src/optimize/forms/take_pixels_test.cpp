#include "optimize/forms/take_pixels.h"

#include <gtest/gtest.h>

#include <cmath>

#include "optimize/graph_builder.h"

namespace calib8 {
namespace {

using testing::Array;
using testing::GraphBuilder;

/// ImageNet's.
PixelScaling scaling() {
  PixelScaling scaling;
  const double means[] = {0.485, 0.456, 0.406}, deviations[] = {0.229, 0.224, 0.225};
  for (int c = 0; c < 3; ++c) {
    scaling.scale.push_back(1 / (255 * deviations[c]));
    scaling.offset.push_back(-means[c] / deviations[c]);
  }
  return scaling;
}

/// A graph whose input is an NHWC picture; each member adds a layer that reads `x`, and gives its output out.
struct Stem {
  GraphBuilder builder;
  TensorId picture;

  explicit Stem(std::int64_t size = 20, unsigned seed = 1) : builder(seed) {
    picture = builder.input({1, size, size, 3});
  }

  /// CONV_2D or DEPTHWISE_CONV_2D of a square window.
  TensorId window(TensorId x, std::int64_t kernel, bool depthwise, tflite::Padding padding,
                  std::int32_t stride = 1, std::int32_t dilation = 1) {
    const Shape from = builder.shape_of(x);
    const std::int64_t reach = (kernel - 1) * dilation + 1, outputs = depthwise ? 2 * from[3] : 5;
    const auto size = [&](std::int64_t of) {
      return padding == tflite::Padding::same ? (of + stride - 1) / stride : (of - reach) / stride + 1;
    };
    tflite::Options options;
    const auto set = [&](auto op) {
      op.padding = padding;
      op.stride_height = op.stride_width = stride;
      op.dilation_height = op.dilation_width = dilation;
      return op;
    };
    if (depthwise) {
      auto op = set(tflite::DepthwiseConv2D{});
      op.depth_multiplier = 2;
      options = op;
    } else {
      options = set(tflite::Conv2D{});
    }
    const Shape weights =
        depthwise ? Shape{1, kernel, kernel, outputs} : Shape{outputs, kernel, kernel, from[3]};
    return builder.emit(options, {x, builder.constant(weights), builder.constant({outputs})},
                        {1, size(from[1]), size(from[2]), outputs});
  }
};

/// Largest difference of the outputs for random pixels, as a share of the largest output. Both graphs are
/// evaluated in double, so all of it is what the fold's own rounding to float32 makes.
double difference(GraphBuilder& builder, const TfliteGraph& folded) {
  Array pixels{builder.shape_of(builder.graph.inputs()[0]), {}}, values = pixels;
  const PixelScaling map = scaling();
  for (std::int64_t i = 0; i < element_count(pixels.shape).value(); ++i) {
    const auto channel = static_cast<std::size_t>(i % 3);
    pixels.elements.push_back(static_cast<double>(builder.draw(256)));
    values.elements.push_back(map.scale[channel] * pixels.elements.back() + map.offset[channel]);
  }
  const auto expected = testing::evaluate(builder.graph, {values});
  double largest = 0;
  for (const Array& output : expected) {
    for (const double value : output.elements) largest = std::max(largest, std::abs(value));
  }
  return testing::largest_difference(expected, testing::evaluate(folded, {pixels})) / largest;
}

PixelGraph fold(const TfliteGraph& graph) {
  auto taken = take_pixels(graph, scaling());
  if (const auto* reason = std::get_if<std::string>(&taken)) throw std::logic_error(*reason);
  return std::get<PixelGraph>(std::move(taken));
}

TEST(TakePixels, IsExactForAnyWindowStridePaddingAndDilation) {
  unsigned seed = 1;
  for (const std::int64_t kernel : {1, 3, 5, 7}) {
    for (const std::int32_t stride : {1, 2, 3}) {
      for (const std::int32_t dilation : {1, 2}) {
        for (const bool depthwise : {false, true}) {
          for (const auto padding : {tflite::Padding::same, tflite::Padding::valid}) {
            Stem stem(19 + static_cast<std::int64_t>(seed % 2), seed);
            stem.builder.output(
                stem.window(stem.picture, kernel, depthwise, padding, stride, stride == 1 ? dilation : 1));
            const PixelGraph folded = fold(stem.builder.graph);
            EXPECT_LT(difference(stem.builder, folded.graph), 1e-6)
                << kernel << " stride " << stride << " dilation " << dilation << " depthwise " << depthwise
                << " same " << (padding == tflite::Padding::same);
            EXPECT_EQ(folded.first_layers.size(), 1u);
            ++seed;
          }
        }
      }
    }
  }
}

TEST(TakePixels, PadsWithTheMeanColour) {
  for (const float value : {0.0f, 0.5f}) {
    Stem stem;
    const std::vector<std::int32_t> by = {0, 0, 3, 2, 1, 0, 0, 0};
    const TensorId padded =
        value == 0 ? stem.builder.pad(stem.picture, by) : stem.builder.pad_with(value, stem.picture, by);
    stem.builder.output(stem.window(padded, 5, false, tflite::Padding::valid, 2));
    const PixelGraph folded = fold(stem.builder.graph);
    EXPECT_LT(difference(stem.builder, folded.graph), 1e-6) << value;
    EXPECT_EQ(testing::count_of<tflite::Concatenation>(folded.graph), 2u);
    EXPECT_EQ(folded.pictures.size(), 3u) << "the input, with columns, with rows as well";
  }
}

TEST(TakePixels, NeedsNoBorderWherePatchesTileThePicture) {
  Stem stem(32);
  stem.builder.output(stem.window(stem.picture, 16, false, tflite::Padding::same, 16));
  const PixelGraph folded = fold(stem.builder.graph);
  EXPECT_LT(difference(stem.builder, folded.graph), 1e-6);
  EXPECT_EQ(testing::count_of<tflite::Concatenation>(folded.graph), 0u);
}

TEST(TakePixels, FollowsWhatOnlyMovesPixels) {
  Stem flat(6);
  flat.builder.output(flat.builder.fully_connected(flat.builder.reshape(flat.picture, {1, 108}), 4));
  EXPECT_LT(difference(flat.builder, fold(flat.builder.graph).graph), 1e-6);

  Stem focus(8);  // every second row, twice, beside each other
  const TensorId upper = focus.builder.slice(focus.picture, {0, 0, 0, 0}, {1, 4, 8, 3});
  const TensorId lower = focus.builder.slice(focus.picture, {0, 4, 0, 0}, {1, 4, 8, 3});
  const TensorId joined = focus.builder.concatenation({upper, lower}, 3);
  focus.builder.output(focus.window(joined, 3, false, tflite::Padding::same));
  EXPECT_LT(difference(focus.builder, fold(focus.builder.graph).graph), 1e-6);
}

TEST(TakePixels, TakesInWhatTheGraphNormalizesItself) {
  Stem stem;
  const TensorId less = stem.builder.binary(tflite::Sub{}, stem.picture, stem.builder.constant({3}, 0, 1));
  const TensorId scaled = stem.builder.binary(tflite::Mul{}, less, stem.builder.constant({1, 1, 1, 3}, 1, 3));
  stem.builder.output(
      stem.window(stem.builder.pad(scaled, {0, 0, 1, 1, 1, 1, 0, 0}), 3, false, tflite::Padding::valid));
  stem.builder.output(stem.window(stem.picture, 3, false, tflite::Padding::same));
  const PixelGraph folded = fold(stem.builder.graph);
  EXPECT_LT(difference(stem.builder, folded.graph), 1e-6);
  EXPECT_EQ(testing::count_of<tflite::Mul>(folded.graph) + testing::count_of<tflite::Sub>(folded.graph), 0u);
}

TEST(TakePixels, FoldsIntoAllReadersOrNone) {
  Stem both;
  both.builder.output(both.window(both.picture, 3, false, tflite::Padding::same, 2));
  both.builder.output(both.window(both.picture, 5, true, tflite::Padding::same));
  const PixelGraph folded = fold(both.builder.graph);
  EXPECT_LT(difference(both.builder, folded.graph), 1e-6);
  EXPECT_EQ(folded.first_layers.size(), 2u);

  both.builder.output(both.builder.unary(tflite::Tanh{}, both.picture));
  const auto refused = take_pixels(both.builder.graph, scaling());
  ASSERT_TRUE(std::holds_alternative<std::string>(refused));
  EXPECT_NE(std::get<std::string>(refused).find("TANH"), std::string::npos) << std::get<std::string>(refused);
}

TEST(TakePixels, TellsWhatItCantTake) {
  const auto reason = [](const TfliteGraph& graph) {
    const auto taken = take_pixels(graph, scaling());
    return std::holds_alternative<std::string>(taken) ? std::get<std::string>(taken) : "";
  };
  Stem sliced;  // two of three channels
  const TensorId part = sliced.builder.slice(sliced.picture, {0, 0, 0, 1}, {1, 20, 20, 2});
  sliced.builder.output(sliced.window(part, 3, false, tflite::Padding::valid));
  EXPECT_NE(reason(sliced.builder.graph).find("SLICE"), std::string::npos);

  Stem white;  // twice as bright as white
  const TensorId padded = white.builder.pad_with(7, white.picture, {0, 0, 1, 1, 1, 1, 0, 0});
  white.builder.output(white.window(padded, 3, false, tflite::Padding::valid));
  EXPECT_NE(reason(white.builder.graph).find("no pixel"), std::string::npos);

  Stem two;
  two.builder.output(two.window(two.picture, 3, false, tflite::Padding::valid));
  two.builder.output(two.builder.unary(tflite::Relu{}, two.builder.input({1, 4})));
  EXPECT_NE(reason(two.builder.graph).find("2 inputs"), std::string::npos);

  GraphBuilder gray;
  gray.output(gray.unary(tflite::Relu{}, gray.input({1, 8, 8, 1})));
  EXPECT_NE(reason(gray.graph).find("no picture of 3 channels"), std::string::npos);
}

/// What is folded leaves all else as it was, so that ranges and plans of the one are the other's.
TEST(TakePixels, KeepsIds) {
  Stem stem;
  const TensorId features = stem.window(stem.picture, 3, false, tflite::Padding::same);
  stem.builder.output(stem.builder.unary(tflite::Tanh{}, features));
  const PixelGraph folded = fold(stem.builder.graph);
  EXPECT_EQ(folded.graph.inputs(), stem.builder.graph.inputs());
  EXPECT_EQ(folded.graph.outputs(), stem.builder.graph.outputs());
  EXPECT_EQ(folded.graph.producer(features), stem.builder.graph.producer(features));
  EXPECT_EQ(folded.graph.pixel_inputs.at(0), scaling());
}

}  // namespace
}  // namespace calib8
