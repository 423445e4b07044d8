#include "recover/input_observer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "optimize/targets/targets.h"
#include "recover/quantized_model.h"
#include "samples/test_array_source.h"

namespace calib8 {
namespace {

/// One layer with random weights and no bias to speak of, on an input of whole numbers from -128 to 127,
/// which int8 holds exactly.
struct OneLayer {
  TfliteGraph graph;
  TensorId x, y;
  OperatorId op;
  std::vector<float> weights;
  std::optional<ConstantBlock> constants;
  std::shared_ptr<const LiteRt> litert = open_litert();

  OneLayer(tflite::Options options, const Shape& x_shape, const Shape& w_shape, const Shape& y_shape) {
    x = graph.add_value({"x", DType::float32, x_shape, std::nullopt, std::nullopt});
    graph.set_inputs({x});
    graph.input_names = {"x"};
    std::mt19937 generator(1);
    std::normal_distribution<float> distribution;
    weights.resize(static_cast<std::size_t>(*element_count(w_shape)));
    for (float& weight : weights) weight = distribution(generator);
    const TensorId w = graph.add_constant("w", make_tensor(w_shape, weights));
    const TensorId b = graph.add_constant(
        "b", make_tensor(Shape{y_shape.back()},
                         std::vector<float>(static_cast<std::size_t>(y_shape.back()), 0.0f)));
    std::vector<TensorId> inputs = {x, w, b};
    if (std::holds_alternative<tflite::TransposeConv>(options)) {
      const std::vector<std::int32_t> sizes(y_shape.begin(), y_shape.end());
      inputs = {graph.add_constant("sizes", sizes), w, x, b};
    }
    y = graph.emit(std::move(options), std::move(inputs), "y", y_shape);
    op = graph.producer(y);
    graph.set_outputs({y});
    graph.output_names = {"y"};
    constants.emplace(graph);
  }

  LayerInputs observe(const ArraySource& samples, int threads = 2) const {
    Ranges ranges(graph.value_count());
    ranges[x.index] = Range{-128, 127};
    ranges[y.index] = Range{-1000, 1000};
    const QuantizationTask task{.model = {graph, *constants},
                                .ranges = ranges,
                                .extremes = ranges,
                                .target = litert_cpu(),
                                .choices = {},
                                .calibration = samples,
                                .litert = litert,
                                .threads = threads};
    return observe_inputs(task, make_quantized(task, {}), Effort::balanced).at(op);
  }

  /// All outputs of the float model on LiteRT: [sample][element].
  std::vector<std::vector<float>> outputs(const ArraySource& samples) const {
    ModelPool pool(litert, {runnable(graph, constants->file_of(graph))}, {1, samples.size(), "testing"});
    std::vector<std::vector<float>> all(samples.size());
    pool.for_each<Sample>(
        samples.size(), [&](std::size_t i) { return samples.load(i); },
        [&](ModelPool::Worker& worker, std::size_t i, const Sample& sample) {
          worker.models.front().run(sample, i);
          all[i] = worker.models.front().all_outputs();
        });
    return all;
  }
};

ArraySource whole_numbers(const Shape& shape, std::size_t count) {
  std::mt19937 generator(7);
  std::uniform_int_distribution<int> distribution(-128, 127);
  std::vector<Sample> samples(count);
  for (Sample& sample : samples) {
    std::vector<float> values(static_cast<std::size_t>(*element_count(shape)));
    for (float& value : values) value = static_cast<float>(distribution(generator));
    sample.inputs.emplace("", make_tensor(shape, std::move(values)));
  }
  return ArraySource(std::move(samples));
}

/// Where all windows are looked at, the weights on what they met give LiteRT's outputs: their sums and sums
/// of squares by channel.
void expect_litert_outputs(tflite::Options options, const Shape& x, const Shape& w, const Shape& y) {
  const bool depthwise = std::holds_alternative<tflite::DepthwiseConv2D>(options);
  const OneLayer layer(std::move(options), x, w, y);
  const ArraySource samples = whole_numbers(x, 6);
  const LayerInputs inputs = layer.observe(samples);
  const auto outputs = layer.outputs(samples);
  const auto channels = static_cast<std::size_t>(y.back());
  ASSERT_EQ(inputs.count * channels, outputs.size() * outputs.front().size());
  ASSERT_EQ(inputs.level, 1.0f);
  for (std::size_t channel = 0; channel < channels; ++channel) {
    double sum = 0, squares = 0, expected_sum = 0, expected_squares = 0;
    for (const auto& output : outputs) {
      for (std::size_t i = channel; i < output.size(); i += channels) {
        expected_sum += output[i];
        expected_squares += static_cast<double>(output[i]) * output[i];
      }
    }
    const std::size_t group = channel / (channels / inputs.groups);
    const auto weight = [&](std::size_t i) {
      return static_cast<double>(
          layer.weights[depthwise ? i * channels + channel : channel * inputs.length + i]);
    };
    for (std::size_t n = 0; !depthwise && n < inputs.count; ++n) {
      double value = 0;
      for (std::size_t i = 0; i < inputs.length; ++i)
        value += weight(i) * inputs.rows[(n * inputs.groups + group) * inputs.length + i];
      sum += value;
      squares += value * value;
    }
    for (std::size_t i = 0; depthwise && i < inputs.length; ++i) {
      sum += weight(i) * inputs.sums[group * inputs.length + i];
      for (std::size_t j = i; j < inputs.length; ++j)
        squares += (i == j ? 1 : 2) * weight(i) * weight(j) *
                   inputs.products[(group * inputs.length + i) * inputs.length + j];
    }
    EXPECT_NEAR(sum, expected_sum, 1e-4 * std::sqrt(expected_squares * static_cast<double>(inputs.count)));
    EXPECT_NEAR(squares, expected_squares, 1e-4 * expected_squares);
  }
}

TEST(InputObserver, SeesWhatLiteRtMultipliesWithTheWeights) {
  using tflite::Padding;
  expect_litert_outputs(tflite::FullyConnected{}, {2, 7}, {4, 7}, {2, 4});
  expect_litert_outputs(tflite::Conv2D{Padding::same, 2, 2}, {1, 5, 6, 2}, {3, 3, 3, 2}, {1, 3, 3, 3});
  expect_litert_outputs(tflite::Conv2D{Padding::valid, 1, 2}, {1, 5, 6, 3}, {2, 2, 3, 3}, {1, 4, 2, 2});
  expect_litert_outputs(tflite::Conv2D{Padding::same, 1, 1, 2, 1}, {1, 7, 6, 2}, {3, 3, 3, 2}, {1, 7, 6, 3});
  expect_litert_outputs(tflite::Conv2D{Padding::same}, {1, 4, 4, 6}, {4, 3, 3, 3},
                        {1, 4, 4, 4});  // two groups
  expect_litert_outputs(tflite::Conv2D{Padding::same}, {3, 4, 4, 2}, {4, 3, 3, 2}, {3, 4, 4, 4});
  expect_litert_outputs(tflite::DepthwiseConv2D{Padding::same, 2, 2}, {1, 6, 7, 3}, {1, 3, 3, 3},
                        {1, 3, 4, 3});
  expect_litert_outputs(tflite::DepthwiseConv2D{Padding::valid, 1, 1, 1, 1, 2}, {1, 6, 7, 20}, {1, 5, 3, 40},
                        {1, 2, 5, 40});
  expect_litert_outputs(tflite::TransposeConv{Padding::same, 2, 2}, {1, 3, 4, 2}, {3, 4, 4, 2}, {1, 6, 8, 3});
  expect_litert_outputs(tflite::TransposeConv{Padding::valid, 2, 2}, {1, 3, 4, 2}, {3, 3, 3, 2},
                        {1, 7, 9, 3});
}

TEST(InputObserver, CutsWindowsOutOfLargeTensors) {
  // x tells each pixel's place; the rows of a window must lie as its taps do.
  const OneLayer layer(tflite::Conv2D{tflite::Padding::valid, 2, 2}, {1, 100, 90, 2}, {1, 5, 3, 2},
                       {1, 48, 44, 1});
  std::vector<float> places;
  for (int i = 0; i < 100; ++i) {
    for (int j = 0; j < 90; ++j)
      places.push_back(static_cast<float>(i)), places.push_back(static_cast<float>(j));
  }
  std::vector<Sample> samples(64);
  for (Sample& sample : samples) sample.inputs.emplace("", make_tensor(Shape{1, 100, 90, 2}, places));
  const LayerInputs inputs = layer.observe(ArraySource(std::move(samples)));
  EXPECT_GE(inputs.count, 1024u);
  EXPECT_LE(inputs.count, 2048u);
  std::set<std::pair<int, int>> seen;
  for (std::size_t n = 0; n < inputs.count; ++n) {
    const std::int16_t* row = inputs.rows.data() + n * 30;
    seen.emplace(row[0], row[1]);
    EXPECT_EQ(row[0] % 2, 0);
    EXPECT_EQ(row[1] % 2, 0);
    for (int tap = 0; tap < 15; ++tap) {
      EXPECT_EQ(row[2 * tap], row[0] + tap / 3);
      EXPECT_EQ(row[2 * tap + 1], row[1] + tap % 3);
    }
  }
  EXPECT_GE(seen.size(), 4u) << "several places";
}

TEST(InputObserver, SeesTheSameWithAnyNumberOfThreads) {
  const OneLayer dense(tflite::Conv2D{tflite::Padding::same}, {1, 6, 6, 4}, {3, 3, 3, 4}, {1, 6, 6, 3});
  const OneLayer depthwise(tflite::DepthwiseConv2D{tflite::Padding::same}, {1, 6, 6, 4}, {1, 3, 3, 4},
                           {1, 6, 6, 4});
  const ArraySource samples = whole_numbers({1, 6, 6, 4}, 40);
  for (const int threads : {2, 5}) {
    EXPECT_EQ(dense.observe(samples, threads).rows, dense.observe(samples, 1).rows);
    EXPECT_EQ(depthwise.observe(samples, threads).products, depthwise.observe(samples, 1).products);
  }
}

}  // namespace
}  // namespace calib8
