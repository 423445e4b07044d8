#include "calibrate/second_moments.h"

#include <gtest/gtest.h>

#include <random>

#include "samples/test_array_source.h"

namespace calib8 {
namespace {

struct Layer {
  TfliteGraph graph;
  OperatorId op;

  /// A layer on x with weights of that shape.
  Layer(tflite::Options options, const Shape& x_shape, const Shape& weights, const Shape& output) {
    const TensorId x = graph.add_value({"x", DType::float32, x_shape, std::nullopt, std::nullopt});
    graph.set_inputs({x});
    graph.input_names = {"x"};
    const auto ones = [](const Shape& shape) {
      return make_tensor(shape, std::vector<float>(static_cast<std::size_t>(*element_count(shape)), 1.0f));
    };
    const TensorId w = graph.add_constant("w", ones(weights));
    const TensorId b = graph.add_constant("b", ones({output.back()}));
    const TensorId y = graph.emit(std::move(options), {x, w, b}, "y", output);
    op = graph.producer(y);
    graph.set_outputs({y});
    graph.output_names = {"y"};
  }

  std::vector<double> moments(const ArraySource& samples, int threads) const {
    ObservationGraph wanted(graph);
    const SecondMoments fresh(graph, {op}, wanted);
    ModelPool pool(open_litert(),
                   {wanted.write([](const TfliteGraph& variant, const TfliteFileOptions& options) {
                     return share(serialize_tflite(variant, options).bytes());
                   })},
                   {threads, samples.size(), "testing"});
    std::vector<std::size_t> all(samples.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    StepCounter steps({}, all.size());
    return observe(pool, samples, all, fresh, steps).matrices(0);
  }
};

ArraySource random_samples(const Shape& shape, std::size_t count) {
  std::mt19937 generator(7);
  std::normal_distribution<float> distribution;
  std::vector<Sample> samples(count);
  for (Sample& sample : samples) {
    std::vector<float> values(static_cast<std::size_t>(*element_count(shape)));
    for (float& value : values) value = distribution(generator);
    sample.inputs.emplace("", make_tensor(shape, std::move(values)));
  }
  return ArraySource(std::move(samples));
}

TEST(SecondMoments, OfAFullyConnectedLayer) {
  const Layer layer(tflite::FullyConnected{}, {2, 3}, {4, 3}, {2, 4});
  const ArraySource samples = random_samples({2, 3}, 11);
  const std::vector<double> moments = layer.moments(samples, 2);
  ASSERT_EQ(moments.size(), 9u);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      double sum = 0;
      for (std::size_t n = 0; n < samples.size(); ++n) {
        const Sample sample = samples.load(n);
        const auto x = sample.inputs.at("").as<float>();
        for (std::size_t row = 0; row < 2; ++row) sum += static_cast<double>(x[row * 3 + i]) * x[row * 3 + j];
      }
      EXPECT_NEAR(moments[i * 3 + j], sum, 1e-9);
    }
  }
}

/// The element of an image, zero beyond its edges.
double element(std::span<const float> image, std::ptrdiff_t y, std::ptrdiff_t x, std::size_t channel) {
  if (y < 0 || x < 0 || y >= 5 || x >= 6) return 0;
  return image[(static_cast<std::size_t>(y) * 6 + static_cast<std::size_t>(x)) * 2 + channel];
}

TEST(SecondMoments, OfAConvolutionsWindows) {
  // 5 x 6, window 3 x 3, stride 2, SAME: one row and one column hang over, before (1, 0) and after.
  tflite::Conv2D convolution;
  convolution.padding = tflite::Padding::same;
  convolution.stride_height = convolution.stride_width = 2;
  const Layer layer(convolution, {1, 5, 6, 2}, {3, 3, 3, 2}, {1, 3, 3, 3});
  tflite::DepthwiseConv2D depthwise;
  depthwise.padding = tflite::Padding::same;
  depthwise.stride_height = depthwise.stride_width = 2;
  const Layer by_channel(depthwise, {1, 5, 6, 2}, {1, 3, 3, 2}, {1, 3, 3, 2});
  const ArraySource samples = random_samples({1, 5, 6, 2}, 5);
  const std::vector<double> moments = layer.moments(samples, 1), of_channels = by_channel.moments(samples, 1);
  ASSERT_EQ(moments.size(), 18u * 18);
  ASSERT_EQ(of_channels.size(), 2u * 9 * 9);
  for (std::size_t i = 0; i < 18; ++i) {
    for (std::size_t j = 0; j < 18; ++j) {
      double sum = 0;
      for (std::size_t n = 0; n < samples.size(); ++n) {
        const Sample sample = samples.load(n);
        const auto image = sample.inputs.at("").as<float>();
        for (std::ptrdiff_t row = 0; row < 3; ++row) {
          for (std::ptrdiff_t column = 0; column < 3; ++column) {
            const auto at = [&](std::size_t place) {
              const auto window = static_cast<std::ptrdiff_t>(place / 2);
              return element(image, row * 2 - 1 + window / 3, column * 2 + window % 3, place % 2);
            };
            sum += at(i) * at(j);
          }
        }
      }
      EXPECT_NEAR(moments[i * 18 + j], sum, 1e-9) << i << ", " << j;
      if (i % 2 == j % 2) {
        EXPECT_NEAR(of_channels[(i % 2) * 81 + (i / 2) * 9 + j / 2], sum, 1e-9);
      }
    }
  }
}

TEST(SecondMoments, HaveTheSameBitsForAnyNumberOfThreads) {
  const Layer layer(tflite::FullyConnected{}, {1, 16}, {4, 16}, {1, 4});
  const ArraySource samples = random_samples({1, 16}, 101);
  const std::vector<double> one = layer.moments(samples, 1);
  for (const int threads : {2, 3, 5}) EXPECT_EQ(layer.moments(samples, threads), one);
}

}  // namespace
}  // namespace calib8
