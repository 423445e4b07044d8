#include "recover/recover.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "calibrate/calibrate.h"
#include "optimize/targets/targets.h"
#include "recover/last_layers.h"
#include "samples/test_array_source.h"

namespace calib8 {
namespace {

/// A 3x3 convolution that answers to differences alone, RELU, mean, fully connected; on smooth pictures.
struct Network {
  TfliteGraph graph;
  OperatorId last;
  std::optional<ConstantBlock> constants;
  ArraySource calibration = pictures(30, 1), selection = pictures(12, 2);
  Calibration found;
  std::shared_ptr<const LiteRt> litert = open_litert();

  explicit Network(std::size_t classes = 5) {
    std::mt19937 generator(3);
    const TensorId x = graph.add_value({"x", DType::float32, {1, 12, 12, 3}, std::nullopt, std::nullopt});
    graph.set_inputs({x});
    graph.input_names = {"x"};
    tflite::Conv2D convolution;
    convolution.activation = tflite::Activation::relu;
    std::vector<float> filters = normal(16 * 27, generator);
    for (std::size_t filter = 0; filter < 16; ++filter) {
      float sum = 0;
      for (std::size_t i = 0; i < 27; ++i) sum += filters[filter * 27 + i] / 27;
      for (std::size_t i = 0; i < 27; ++i) filters[filter * 27 + i] -= sum;
    }
    const TensorId w = graph.add_constant("w", make_tensor(Shape{16, 3, 3, 3}, filters));
    const TensorId b = graph.add_constant("b", make_tensor(Shape{16}, normal(16, generator)));
    const TensorId features = graph.emit(convolution, {x, w, b}, "features", {1, 10, 10, 16});
    const std::vector<std::int32_t> axes = {1, 2};
    const TensorId mean = graph.emit(tflite::Mean{{.keep_dims = false}},
                                     {features, graph.add_constant("axes", axes)}, "mean", {1, 16});
    const TensorId v = graph.add_constant(
        "v", make_tensor(Shape{static_cast<std::int64_t>(classes), 16}, normal(classes * 16, generator)));
    const TensorId d = graph.add_constant(
        "d", make_tensor(Shape{static_cast<std::int64_t>(classes)}, normal(classes, generator)));
    const TensorId y =
        graph.emit(tflite::FullyConnected{}, {mean, v, d}, "y", {1, static_cast<std::int64_t>(classes)});
    last = graph.producer(y);
    graph.set_outputs({y});
    graph.output_names = {"y"};
    constants.emplace(graph);
    found = calibrate({graph, *constants}, tensors_to_observe(graph, litert_cpu()), calibration, litert,
                      {.threads = 2});
  }
  /// With int16 activations what weights lose is nearly all that is lost.
  QuantizationTask task(int threads = 2, DType activations = DType::int8) const {
    return {.model = {graph, *constants},
            .ranges = found.ranges,
            .extremes = found.extremes,
            .target = litert_cpu(),
            .choices = {.activations = activations},
            .io = activations == DType::int16 ? ModelIo::float32 : ModelIo::int8,
            .calibration = calibration,
            .litert = litert,
            .threads = threads};
  }
  static std::vector<float> normal(std::size_t count, std::mt19937& generator) {
    std::normal_distribution<float> distribution;
    std::vector<float> values(count);
    for (float& value : values) value = distribution(generator);
    return values;
  }
  static ArraySource pictures(std::size_t count, unsigned seed) {
    std::mt19937 generator(seed);
    std::vector<Sample> samples(count);
    for (Sample& sample : samples) {
      const std::vector<float> gray = normal(1, generator), noise = normal(432, generator);
      std::vector<float> values(432);
      for (std::size_t i = 0; i < 432; ++i) values[i] = 3 * gray[0] + 0.2f * noise[i];
      sample.inputs.emplace("", make_tensor(Shape{1, 12, 12, 3}, std::move(values)));
    }
    return ArraySource(std::move(samples));
  }
};

TEST(Recover, GainsOnThePlainWayAndTellsWhatItTried) {
  const Network network;
  const QuantizationTask task = network.task(2, DType::int16);
  const Recovered recovered = recover(task, {.effort = Effort::balanced, .selection = &network.selection});
  ASSERT_EQ(recovered.trials.size(), 6u);
  EXPECT_EQ(recovered.trials.front().recipe, Recipe{});
  EXPECT_EQ(recovered.samples, 12u);
  EXPECT_TRUE(recovered.set_apart);
  EXPECT_EQ(recovered.recipe.rounding, "second-order") << "inputs go together, filters answer to differences";
  double best = -INFINITY;
  for (const Trial& trial : recovered.trials) best = std::max(best, trial.decibels);
  EXPECT_GT(best, recovered.trials.front().decibels + 3);
  // What is handed on is the model that measured best.
  Trials again(task, network.selection, 12, {});
  again.add(recovered.recipe, {recovered.model.plan, recovered.model.graph, recovered.model.file});
  EXPECT_EQ(again.all().front().decibels, best);
}

TEST(Recover, GivesTheSameBytesForAnyNumberOfThreads) {
  const Network network;
  const auto bytes = [&](int threads) {
    const Recovered recovered =
        recover(network.task(threads), {.effort = Effort::balanced, .selection = &network.selection});
    const ByteView view = recovered.model.file.bytes();
    return std::vector<std::byte>(view.begin(), view.end());
  };
  const auto one = bytes(1);
  for (const int threads : {2, 3}) EXPECT_TRUE(bytes(threads) == one) << threads;
}

TEST(Recover, FastDoesNotCompare) {
  const Network network;
  const Recovered recovered =
      recover(network.task(), {.effort = Effort::fast, .selection = &network.selection});
  EXPECT_TRUE(recovered.trials.empty());
  EXPECT_EQ(recovered.recipe, Recipe{});
}

TEST(Recover, ComparesOnWhatCalibratedWhereNothingIsSetApart) {
  const Network network;
  const ArraySource none({});
  const Recovered recovered = recover(network.task(), {.selection = &none});
  EXPECT_FALSE(recovered.set_apart);
  EXPECT_EQ(recovered.samples, 20u);
}

/// Each candidate is broken in turn: none of these may be kept.
TEST(Trials, DropWhatIsBroken) {
  const Network network;
  const QuantizationTask task = network.task();
  Trials trials(task, network.selection, network.selection.size(), {});
  EXPECT_TRUE(trials.add({}, make_quantized(task, {})));

  InputsOfLayers inputs = observe_inputs(task, trials.best(), Effort::balanced);
  std::mt19937 generator(5);
  for (auto& [layer, known] : inputs) {  // of another network: huge, going together as nothing here does
    for (std::size_t i = 0; i < known.rows.size(); ++i)
      known.rows[i] =
          static_cast<std::int16_t>((i % known.length % 2 ? 1 : -1) * static_cast<int>(generator() % 200));
  }
  const Recipe rounded{.rounding = "second-order"};
  EXPECT_FALSE(trials.add(rounded, make_quantized(task, rounded, {.inputs = &inputs})));

  Ranges narrow = network.found.extremes;
  for (auto& range : narrow) {
    if (range) range = Range{range->low / 50, range->high / 50};
  }
  const QuantizationTask broken_ranges{task.model,       narrow,      narrow, task.target, {}, task.io,
                                       task.calibration, task.litert, 2};
  EXPECT_FALSE(trials.add({.ranges = CalibrationMethod::minmax}, make_quantized(broken_ranges, {})));

  Corrections corrections = fit_last_layers(task, trials.best()).gain_and_shift;
  ASSERT_TRUE(corrections.contains(network.last));
  for (double& shift : corrections.at(network.last).shift) shift += 1;
  const Recipe corrected{.bias = true, .gain = true};
  EXPECT_FALSE(trials.add(corrected, make_quantized(task, corrected, {.corrections = &corrections})));
  for (double& gain : corrections.at(network.last).gain) gain = 0.5;
  EXPECT_FALSE(trials.add(corrected, make_quantized(task, corrected, {.corrections = &corrections})));

  EXPECT_EQ(trials.best_recipe(), Recipe{});
  EXPECT_EQ(trials.all().size(), 5u);
}

TEST(Trials, KeepWhatMeasuresBest) {
  const Network network;
  const QuantizationTask task = network.task();
  Trials trials(task, network.selection, network.selection.size(), {});
  Ranges wide = network.found.ranges;
  for (auto& range : wide) {
    if (range) range = Range{range->low * 4, range->high * 4};
  }
  const QuantizationTask coarse{task.model,       wide,        wide, task.target, {}, task.io,
                                task.calibration, task.litert, 2};
  EXPECT_TRUE(trials.add({.ranges = CalibrationMethod::minmax}, make_quantized(coarse, {})));
  EXPECT_TRUE(trials.add({}, make_quantized(task, {})));
  EXPECT_EQ(trials.best_index(), 1u);
}

TEST(LastLayers, GiveBackAGainAndAShift) {
  const Network network;
  const QuantizationTask task = network.task(2, DType::int16);
  // A model whose last layer is off, as clipping and means that move leave it.
  Corrections damage;
  damage[network.last] = {{0.9, 1.1, 0.95, 1, 1.05}, {0.3, -0.2, 0, 0.1, -0.4}};
  const QuantizedModel damaged = make_quantized(task, {}, {.corrections = &damage});
  const FittedCorrections fitted = fit_last_layers(task, damaged);
  const Corrections& found = fitted.gain_and_shift;
  ASSERT_EQ(found.size(), 1u);
  for (std::size_t i = 0; i < 5; ++i) {
    const double gain = damage[network.last].gain[i], shift = damage[network.last].shift[i];
    EXPECT_NEAR(found.at(network.last).gain[i], 1 / gain, 0.03);
    EXPECT_NEAR(found.at(network.last).shift[i], -shift / gain, 0.1);
  }
  for (const double gain : fitted.shift.at(network.last).gain) EXPECT_EQ(gain, 1);
}

TEST(ScoreOutputs, CountsEachOutputThatVariesAlone) {
  // [sample][two outputs of one element each, and one of two that never varies]
  const std::vector<std::vector<float>> reference = {{1, 1000, 5, 5}, {-1, -1000, 5, 5}};
  const std::vector<std::vector<float>> measured = {{1.1f, 1010, 5, 5}, {-0.9f, -990, 5, 5}};
  EXPECT_NEAR(score_outputs(reference, measured, {1, 1, 2}), (20 + 40) / 2.0, 1e-3);
  EXPECT_EQ(score_outputs(reference, reference, {1, 1, 2}), 100);
  const std::vector<std::vector<float>> broken = {{NAN, 1000, 5, 5}, {-1, -1000, 5, 5}};
  EXPECT_TRUE(std::isnan(score_outputs(reference, broken, {1, 1, 2})));
}

}  // namespace
}  // namespace calib8
