#include "calibrate/calibrate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "calib8/error.h"
#include "samples/test_array_source.h"

namespace calib8 {
namespace {

/// y = relu(2x - 1), z = x * x; both observed.
struct Model {
  TfliteGraph graph;
  TensorId x, doubled, y, z;
  std::optional<ConstantBlock> constants;

  Model() {
    const Shape shape = {1, 4, 4, 3};
    x = graph.add_value({"x", DType::float32, shape, std::nullopt, std::nullopt});
    graph.set_inputs({x});
    graph.input_names = {"x"};
    const TensorId two = graph.add_constant("two", make_tensor<float>({1}, {2}));
    const TensorId one = graph.add_constant("one", make_tensor<float>({1}, {1}));
    doubled = graph.emit(tflite::Mul{}, {x, two}, "doubled", shape);
    y = graph.emit(tflite::Sub{{.activation = tflite::Activation::relu}}, {doubled, one}, "y", shape);
    z = graph.emit(tflite::Mul{}, {x, y}, "z", shape);
    graph.set_outputs({z});
    graph.output_names = {"z"};
    constants.emplace(graph);
  }
  FloatModel view() const { return {graph, *constants}; }
  std::vector<TensorId> observed() const { return {x, doubled, y, z}; }
};

ArraySource random_samples(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution;
  std::vector<Sample> samples(count);
  for (Sample& sample : samples) {
    std::vector<float> values(48);
    for (float& value : values) value = distribution(generator);
    sample.inputs.emplace("", make_tensor({1, 4, 4, 3}, std::move(values)));
  }
  return ArraySource(std::move(samples));
}

TEST(Calibrate, MinMaxIsThatOfTheValues) {
  const Model model;
  const ArraySource samples = random_samples(7, 1);
  Range x{INFINITY, -INFINITY}, doubled = x, y = x;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    for (const float value : samples.load(i).inputs.at("").as<float>()) {
      x = hull(x, {value, value});
      doubled = hull(doubled, {value * 2, value * 2});
      const float rectified = std::max(value * 2 - 1, 0.0f);
      y = hull(y, {rectified, rectified});
    }
  }
  const auto ranges = calibrate(model.view(), model.observed(), samples, open_litert(),
                                {.method = RangeMethod::minmax, .threads = 2})
                          .ranges;
  EXPECT_EQ(ranges[model.x.index], x);
  EXPECT_EQ(ranges[model.doubled.index], doubled);
  EXPECT_EQ(ranges[model.y.index], y);
}

TEST(Calibrate, DoesNotDependOnTheNumberOfThreads) {
  const Model model;
  const ArraySource samples = random_samples(40, 2);
  const auto litert = open_litert();
  const auto one =
      calibrate(model.view(), model.observed(), samples, litert, {.method = RangeMethod::mse, .threads = 1})
          .ranges;
  for (const int threads : {2, 3}) {
    EXPECT_EQ(calibrate(model.view(), model.observed(), samples, litert,
                        {.method = RangeMethod::mse, .threads = threads})
                  .ranges,
              one);
  }
}

TEST(Calibrate, ClipsInsideButNotAtTheEdges) {
  const Model model;
  const ArraySource samples = random_samples(20, 3);
  const auto litert = open_litert();
  const auto exact =
      calibrate(model.view(), model.observed(), samples, litert, {.method = RangeMethod::minmax}).ranges;
  const auto chosen =
      calibrate(model.view(), model.observed(), samples, litert, {.method = RangeMethod::percentile}).ranges;
  EXPECT_EQ(chosen[model.x.index], exact[model.x.index]);
  EXPECT_EQ(chosen[model.z.index], exact[model.z.index]);
}

TEST(Calibrate, KeepsTheOutputsOfTheFirstSamples) {
  const Model model;
  const ArraySource samples = random_samples(9, 4);
  for (const RangeMethod method : {RangeMethod::minmax, RangeMethod::mse}) {
    const Calibration found = calibrate(model.view(), model.observed(), samples, open_litert(),
                                        {.method = method, .threads = 2, .keep_outputs = 5});
    ASSERT_EQ(found.outputs.size(), 5u);
    for (std::size_t i = 0; i < found.outputs.size(); ++i) {
      const Sample sample = samples.load(i);
      const auto x = sample.inputs.at("").as<float>();
      ASSERT_EQ(found.outputs[i].size(), x.size());
      for (std::size_t j = 0; j < x.size(); ++j)
        EXPECT_FLOAT_EQ(found.outputs[i][j], x[j] * std::max(2 * x[j] - 1, 0.0f));
    }
  }
}

TEST(Calibrate, ObservesATensorWithoutAxes) {
  TfliteGraph graph;
  const TensorId x = graph.add_value({"x", DType::float32, {1, 4}, std::nullopt, std::nullopt});
  graph.set_inputs({x});
  graph.input_names = {"x"};
  const std::vector<std::int32_t> all = {0, 1};
  const TensorId mean =
      graph.emit(tflite::Mean{{.keep_dims = false}}, {x, graph.add_constant("axes", all)}, "mean", {});
  const TensorId y = graph.emit(tflite::Sub{}, {x, mean}, "y", {1, 4});
  graph.set_outputs({y});
  graph.output_names = {"y"};
  const ConstantBlock constants(graph);
  Sample sample;
  sample.inputs.emplace("", make_tensor<float>({1, 4}, {1, 2, 3, 10}));
  const auto ranges = calibrate({graph, constants}, {x, mean, y}, ArraySource({sample}), open_litert(),
                                {.method = RangeMethod::minmax})
                          .ranges;
  EXPECT_EQ(ranges[mean.index], (Range{4, 4}));
  EXPECT_EQ(ranges[y.index], (Range{-3, 6}));
}

TEST(Calibrate, RefusesValuesThatAreNotFinite) {
  const Model model;
  std::vector<float> values(48, 1.0f);
  values[5] = INFINITY;
  Sample sample;
  sample.inputs.emplace("", make_tensor({1, 4, 4, 3}, std::move(values)));
  try {
    calibrate(model.view(), model.observed(), ArraySource({sample}), open_litert(), {});
    FAIL() << "an infinity went through";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::dataset);
    EXPECT_NE(error.where().find("'x'"), std::string::npos) << error.where();
  }
}

TEST(Calibrate, RefusesSamplesOfAnotherShape) {
  const Model model;
  Sample sample;
  sample.inputs.emplace("", make_tensor<float>({1, 2}, {0, 0}));
  EXPECT_THROW(calibrate(model.view(), model.observed(), ArraySource({sample}), open_litert(), {}), Error);
}

}  // namespace
}  // namespace calib8
