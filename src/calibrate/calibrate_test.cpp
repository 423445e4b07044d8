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
    y = graph.emit(tflite::Sub{{{.activation = tflite::Activation::relu}}}, {doubled, one}, "y", shape);
    z = graph.emit(tflite::Mul{}, {x, y}, "z", shape);
    graph.set_outputs({z});
    graph.output_names = {"z"};
    constants.emplace(graph);
  }
  FloatModel view() const { return {graph, *constants}; }
  std::vector<TensorId> observed() const { return {x, doubled, y, z}; }
};

/// cube = x^3, y = x^4, on tensors of which only a part is counted.
struct WideModel {
  TfliteGraph graph;
  TensorId x, cube, y;
  std::optional<ConstantBlock> constants;
  static inline const Shape shape = {1, 50, 40, 12};

  WideModel() {
    x = graph.add_value({"x", DType::float32, shape, std::nullopt, std::nullopt});
    graph.set_inputs({x});
    graph.input_names = {"x"};
    const TensorId square = graph.emit(tflite::Mul{}, {x, x}, "square", shape);
    cube = graph.emit(tflite::Mul{}, {square, x}, "cube", shape);
    y = graph.emit(tflite::Mul{}, {cube, x}, "y", shape);
    graph.set_outputs({y});
    graph.output_names = {"y"};
    constants.emplace(graph);
  }
  FloatModel view() const { return {graph, *constants}; }
  std::vector<TensorId> observed() const { return {x, cube, y}; }
  static ArraySource samples(std::size_t count, unsigned seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> distribution;
    std::vector<Sample> made(count);
    for (Sample& sample : made) {
      std::vector<float> values(50 * 40 * 12);
      for (float& value : values) value = distribution(generator);
      sample.inputs.emplace("", make_tensor(shape, std::move(values)));
    }
    return ArraySource(std::move(made));
  }
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
                                {.method = CalibrationMethod::minmax, .threads = 2})
                          .ranges;
  EXPECT_EQ(ranges[model.x.index], x);
  EXPECT_EQ(ranges[model.doubled.index], doubled);
  EXPECT_EQ(ranges[model.y.index], y);
}

TEST(Calibrate, DoesNotDependOnTheNumberOfThreads) {
  const WideModel model;  // of a size of which only a part of the values is counted
  const ArraySource samples = model.samples(75, 2);
  const auto litert = open_litert();
  const auto ranges_with = [&](CalibrationMethod method, int threads) {
    return calibrate(model.view(), model.observed(), samples, litert, {.method = method, .threads = threads})
        .ranges;
  };
  for (const CalibrationMethod method : {CalibrationMethod::mse, CalibrationMethod::percentile}) {
    const auto one = ranges_with(method, 1);
    for (const int threads : {2, 3, 7}) EXPECT_EQ(ranges_with(method, threads), one) << threads << " threads";
  }
}

TEST(Calibrate, ClipsInsideButNotAtTheEdges) {
  const WideModel model;
  const ArraySource samples = model.samples(30, 3);
  const auto litert = open_litert();
  const auto ranges_by = [&](CalibrationMethod method) {
    return calibrate(model.view(), model.observed(), samples, litert, {.method = method}).ranges;
  };
  const auto exact = ranges_by(CalibrationMethod::minmax);
  for (const CalibrationMethod method : {CalibrationMethod::percentile, CalibrationMethod::mse}) {
    const auto chosen = ranges_by(method);
    EXPECT_EQ(chosen[model.x.index], exact[model.x.index]);
    EXPECT_LE(chosen[model.y.index]->low, exact[model.y.index]->low);
    EXPECT_GE(chosen[model.y.index]->high, exact[model.y.index]->high);
    EXPECT_LT(chosen[model.cube.index]->high, 0.9f * exact[model.cube.index]->high) << "a heavy tail";
    EXPECT_GT(chosen[model.cube.index]->low, 0.9f * exact[model.cube.index]->low);
    EXPECT_GT(chosen[model.cube.index]->high, 0.05f * exact[model.cube.index]->high);
  }
}

TEST(Calibrate, TheFewerSamplesTheMoreRoomBesideThem) {
  const Model model;
  const auto litert = open_litert();
  const auto ranges_of = [&](CalibrationMethod method, std::size_t count) {
    return calibrate(model.view(), model.observed(), random_samples(count, 9), litert, {.method = method})
        .ranges;
  };
  for (const std::size_t count : {1, 2, 5, 48}) {
    const auto seen = ranges_of(CalibrationMethod::minmax, count);
    const auto given = ranges_of(CalibrationMethod::mse, count);
    EXPECT_EQ(given[model.x.index], seen[model.x.index]) << "an input";
    const Range y = *seen[model.y.index], with_room = *given[model.y.index];
    const float width = y.high - y.low;
    const float room = count > 32 ? 0 : width / static_cast<float>(std::max<std::size_t>(count, 2) - 1);
    EXPECT_FLOAT_EQ(with_room.high, y.high + room);
    EXPECT_EQ(with_room.low, y.low) << "RELU's zero";
  }
}

TEST(WithRoom, LeavesEndsThatWereCutOff) {
  EXPECT_EQ(with_room({-2, 3}, {-2, 3}, 6), (Range{-3, 4}));
  EXPECT_EQ(with_room({-1, 3}, {-2, 3}, 6), (Range{-1, 4}));
  EXPECT_EQ(with_room({-2, 2}, {-2, 3}, 6), (Range{-3, 2}));
  EXPECT_EQ(with_room({0, 6}, {0, 6}, 4, 6.0f), (Range{0, 6}));
  EXPECT_EQ(with_room({0, 5}, {0, 5}, 6, 6.0f), (Range{0, 6}));
  constexpr float largest = std::numeric_limits<float>::max();
  EXPECT_EQ(with_room({-largest, largest}, {-largest, largest}, 2), (Range{-largest, largest}));
}

TEST(Calibrate, TakesTheExtremesOfSwishFromItsArgument) {
  TfliteGraph graph;
  const Shape shape = {1, 4, 4, 3};
  const TensorId x = graph.add_value({"x", DType::float32, shape, std::nullopt, std::nullopt});
  graph.set_inputs({x});
  graph.input_names = {"x"};
  const TensorId gate = graph.emit(tflite::Logistic{}, {x}, "gate", shape);
  const TensorId swish = graph.emit(tflite::Mul{}, {x, gate}, "swish", shape);
  const TensorId y = graph.emit(tflite::Mul{}, {swish, swish}, "y", shape);
  graph.set_outputs({y});
  graph.output_names = {"y"};
  const ConstantBlock constants(graph);
  const auto range_for = [&](float low, float high) {
    std::vector<float> values(48);
    for (std::size_t i = 0; i < 48; ++i) values[i] = low + (high - low) * static_cast<float>(i) / 47;
    Sample sample;
    sample.inputs.emplace("", make_tensor(shape, std::move(values)));
    const auto ranges = calibrate({graph, constants}, {x, swish, y}, ArraySource({sample}), open_litert(),
                                  {.method = CalibrationMethod::minmax})
                            .ranges;
    return *ranges[swish.index];
  };
  const auto value = [](double at) { return static_cast<float>(at / (1 + std::exp(-at))); };
  const auto expect = [&](float low, float high, double least, double largest) {
    const Range range = range_for(low, high);
    EXPECT_NEAR(range.low, value(least), 2e-3) << low << " to " << high;
    EXPECT_NEAR(range.high, value(largest), 1e-5) << low << " to " << high;
  };
  expect(-4, 3, -1.2785, 3);
  expect(-8, -2, -2, -8);
  expect(-1, 2, -1, 2);
  expect(1, 5, 1, 5);
}

TEST(Calibrate, KeepsTheOutputsOfTheFirstSamples) {
  const Model model;
  const ArraySource samples = random_samples(9, 4);
  for (const CalibrationMethod method : {CalibrationMethod::minmax, CalibrationMethod::mse}) {
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
                                {.method = CalibrationMethod::minmax})
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
