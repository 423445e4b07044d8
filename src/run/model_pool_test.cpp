#include "run/model_pool.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "calib8/error.h"
#include "run/kept_outputs.h"
#include "run/observation_graph.h"
#include "samples/test_array_source.h"

namespace calib8 {
namespace {

/// y = x * 2 + 1 on [1, 6, 8, 5]; a scalar mean beside it.
struct Model {
  TfliteGraph graph;
  TensorId x, doubled, y, mean;

  Model() {
    const Shape shape = {1, 6, 8, 5};
    x = graph.add_value({"x", DType::float32, shape, std::nullopt, std::nullopt});
    graph.set_inputs({x});
    graph.input_names = {"x"};
    const TensorId two = graph.add_constant("two", make_tensor<float>({1}, {2}));
    const TensorId one = graph.add_constant("one", make_tensor<float>({1}, {1}));
    doubled = graph.emit(tflite::Mul{}, {x, two}, "doubled", shape);
    y = graph.emit(tflite::Add{}, {doubled, one}, "y", shape);
    const TensorId axes = graph.add_constant("axes", std::vector<std::int32_t>{0, 1, 2, 3});
    mean = graph.emit(tflite::Mean{{.keep_dims = false}}, {y, axes}, "mean", {});
    graph.set_outputs({y, mean});
    graph.output_names = {"y", "mean"};
  }
  RunnableModel runnable_model() const { return runnable(graph, share(serialize_tflite(graph).bytes())); }
};

/// Sample n holds n, n + 1, n + 2, ...
ArraySource counting_samples(std::size_t count) {
  std::vector<Sample> samples(count);
  for (std::size_t n = 0; n < count; ++n) {
    std::vector<float> values(240);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(n + i);
    samples[n].inputs.emplace("", make_tensor({1, 6, 8, 5}, std::move(values)));
  }
  return ArraySource(std::move(samples));
}

SharedFile write_whole(const TfliteGraph& graph, const TfliteFileOptions& options) {
  return share(serialize_tflite(graph, options).bytes());
}

TEST(ModelPool, RunsEachSampleOnceHoweverManyInstancesThereAre) {
  const Model model;
  const ArraySource samples = counting_samples(23);
  for (const auto& [threads, weight_bytes] : {std::pair(1, 1), {2, 1}, {3, 1}, {4, 1 << 28}}) {
    RunnableModel runnable = model.runnable_model();
    runnable.weight_bytes = static_cast<std::size_t>(weight_bytes);
    ModelPool pool(open_litert(), {runnable}, {threads, samples.size(), "testing"});
    EXPECT_EQ(pool.size(), weight_bytes > 1 ? 1u : static_cast<std::size_t>(threads));
    std::vector<float> first(samples.size());
    pool.for_each<Sample>(
        samples.size(), [&](std::size_t index) { return samples.load(index); },
        [&](ModelPool::Worker& worker, std::size_t index, const Sample& sample) {
          worker.models.front().run(sample, index);
          first[index] += worker.models.front().output(0)[0];
        });
    for (std::size_t n = 0; n < first.size(); ++n) EXPECT_EQ(first[n], static_cast<float>(2 * n + 1));
  }
}

TEST(ModelPool, LoadsTheNextSamplesWhileALargeModelRuns) {
  RunnableModel runnable = Model().runnable_model();
  runnable.weight_bytes = std::size_t{1} << 28;
  const ArraySource samples = counting_samples(9);
  ModelPool pool(open_litert(), {runnable}, {2, samples.size(), "testing"});
  std::set<std::thread::id> loaders;
  std::vector<std::size_t> loaded;
  pool.for_each<Sample>(
      samples.size(),
      [&](std::size_t index) {
        loaders.insert(std::this_thread::get_id());
        loaded.push_back(index);
        return samples.load(index);
      },
      [&](ModelPool::Worker& worker, std::size_t index, const Sample& sample) {
        EXPECT_NO_THROW(worker.models.front().run(sample, index));
      });
  EXPECT_EQ(loaders.size(), 1u);
  EXPECT_FALSE(loaders.contains(std::this_thread::get_id()));
  EXPECT_TRUE(std::is_sorted(loaded.begin(), loaded.end()));
  EXPECT_EQ(loaded.size(), 9u);
}

TEST(ModelPool, AFailureToLoadEndsTheLoop) {
  for (const std::size_t weight_bytes : {std::size_t{1}, std::size_t{1} << 28}) {
    RunnableModel runnable = Model().runnable_model();
    runnable.weight_bytes = weight_bytes;
    const ArraySource samples = counting_samples(1);
    ModelPool pool(open_litert(), {runnable}, {2, 30, "testing"});
    std::atomic<int> used = 0;
    EXPECT_THROW(pool.for_each<Sample>(
                     30,
                     [&](std::size_t index) {
                       if (index == 6) throw Error(ErrorCode::dataset, "gone");
                       return samples.load(0);
                     },
                     [&](ModelPool::Worker&, std::size_t, const Sample&) { ++used; }),
                 Error);
    if (pool.size() == 1) {
      EXPECT_EQ(used, 6);
    }
  }
}

TEST(ObservationGraph, GivesWholeTensorsExtremesAndPixels) {
  const Model model;
  ObservationGraph wanted(model.graph);
  const std::size_t whole = wanted.whole(model.doubled);
  EXPECT_EQ(wanted.whole(model.doubled), whole) << "once";
  const std::size_t least = wanted.minimum(model.doubled), largest = wanted.maximum(model.doubled);
  EXPECT_EQ(wanted.maximum(model.doubled), largest) << "once";
  const std::size_t input_least = wanted.minimum(model.x), mean_largest = wanted.maximum(model.mean);
  const std::vector<std::size_t> pixels = wanted.pixels(model.y, 30),
                                 input_pixels = wanted.pixels(model.x, 30);
  const std::size_t input_whole = wanted.whole(model.x);
  const KeptOutputs fresh(model.graph, 2, wanted);
  ModelPool pool(open_litert(), {wanted.write(write_whole)}, {1, 1, "testing"});
  const ArraySource samples = counting_samples(3);
  StepCounter steps({}, 3);
  pool.for_each<Sample>(
      3, [&](std::size_t index) { return samples.load(index); },
      [&](ModelPool::Worker& worker, std::size_t n, const Sample& sample) {
        ModelInstance& instance = worker.models.front();
        instance.run(sample, n);
        const auto from = static_cast<float>(n);
        EXPECT_EQ(instance.output(whole).size(), 240u);
        EXPECT_EQ(instance.output(input_whole)[239], from + 239);
        EXPECT_EQ(instance.output(least), std::vector<float>{2 * from});
        EXPECT_EQ(instance.output(largest), std::vector<float>{2 * (from + 239)});
        EXPECT_EQ(instance.output(input_least), std::vector<float>{from});
        EXPECT_NEAR(instance.output(mean_largest)[0], 2 * (from + 119.5) + 1, 1e-3);
        ASSERT_EQ(pixels.size(), 2u);
        for (const auto& [positions, scale, offset] :
             {std::tuple(pixels, 2.0f, 1.0f), {input_pixels, 1.0f, 0.0f}}) {
          std::set<float> seen;
          for (const std::size_t position : positions) {
            const std::vector<float> part = instance.output(position);
            ASSERT_EQ(part.size() % 5, 0u) << "whole pixels";
            for (std::size_t i = 0; i < part.size(); ++i) {
              const float element = (part[i] - offset) / scale - from;
              EXPECT_EQ(static_cast<int>(element) % 5, static_cast<int>(i) % 5) << "channels in order";
              seen.insert(element);
            }
          }
          EXPECT_GE(seen.size(), 20u) << "in different places";
          EXPECT_LE(seen.size(), 60u);
        }
      });
  auto kept = observe(pool, samples, {0, 1, 2}, fresh, steps).take();
  ASSERT_EQ(kept.size(), 2u);
  ASSERT_EQ(kept[1].size(), 241u);
  EXPECT_EQ(kept[1][0], 3);
}

TEST(ObservationGraph, PixelsLieAllOverTheTensors) {
  TfliteGraph graph;
  const TensorId x = graph.add_value({"x", DType::float32, {1, 40, 40, 8}, std::nullopt, std::nullopt});
  graph.set_inputs({x});
  const TensorId one = graph.add_constant("one", make_tensor<float>({1}, {1}));
  std::vector<TensorId> tensors = {x};
  for (int i = 0; i < 40; ++i)
    tensors.push_back(
        graph.emit(tflite::Add{}, {tensors.back(), one}, "t" + std::to_string(i), {1, 40, 40, 8}));
  graph.set_outputs({tensors.back()});
  ObservationGraph wanted(graph);
  for (const TensorId tensor : tensors) wanted.pixels(tensor, 64);
  std::set<std::pair<std::int64_t, std::int64_t>> quarters;
  wanted.write([&](const TfliteGraph& written, const TfliteFileOptions& options) {
    for (const OperatorId id : written.nodes()) {
      if (!written[id].get_if<tflite::Slice>()) continue;
      const auto begin = written.constant_integers(written[id].inputs[1]);
      quarters.emplace(begin[1] / 10, begin[2] / 10);
    }
    return write_whole(written, options);
  });
  EXPECT_EQ(quarters.size(), 16u);
}

TEST(EdgeValues, RoundTripWithinHalfAStep) {
  const Tensor values = make_tensor<float>({4}, {-1, 0, 0.3f, 5});
  const EdgeType type{DType::uint8, per_tensor(0.02f, 100)};
  const Tensor levels = from_float(values, type);
  const std::vector<float> back = to_float(levels.data.bytes(), type);
  EXPECT_NEAR(back[0], -1, 0.0101);
  EXPECT_EQ(back[1], 0);
  EXPECT_NEAR(back[2], 0.3, 0.0101);
  EXPECT_NEAR(back[3], 0.02 * 155, 1e-6) << "clamped at 255";
}

}  // namespace
}  // namespace calib8
