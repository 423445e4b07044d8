#include "calibrate/calibrate.h"

#include <algorithm>
#include <numeric>

#include "base/parallel.h"
#include "calibrate/extremes.h"
#include "calibrate/value_counts.h"
#include "run/kept_outputs.h"

namespace calib8 {
namespace {

/// Positions of those whose range may be narrower than what was seen: not the graph's inputs and outputs.
std::vector<std::size_t> find_clippable(const TfliteGraph& graph, const std::vector<TensorId>& observed) {
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    if (!graph.is_input(observed[i]) && !graph.is_output(observed[i])) positions.push_back(i);
  }
  return positions;
}

/// Where the fused activation of a tensor's operator cuts off above.
std::optional<float> upper_bound(const TfliteGraph& graph, TensorId tensor) {
  const OperatorId producer = graph.producer(tensor);
  const tflite::Activation* fused = producer.exists() ? fused_activation(graph[producer]) : nullptr;
  if (fused && *fused == tflite::Activation::relu6) return 6.0f;
  return std::nullopt;
}

bool all_outputs_are_float(const TfliteGraph& graph) {
  return std::all_of(graph.outputs().begin(), graph.outputs().end(),
                     [&](TensorId output) { return graph[output].dtype == DType::float32; });
}

}  // namespace

Calibration calibrate(const FloatModel& model, const std::vector<TensorId>& observed,
                      const SampleSource& samples, const std::shared_ptr<const LiteRt>& litert,
                      const CalibrationOptions& options) {
  const TfliteGraph& graph = model.graph;
  const bool may_clip = options.method != CalibrationMethod::minmax;
  const std::vector<std::size_t> clippable =
      may_clip ? find_clippable(graph, observed) : std::vector<std::size_t>();
  std::vector<TensorId> counted;
  for (const std::size_t i : clippable) counted.push_back(observed[i]);
  const std::size_t kept = all_outputs_are_float(graph) ? std::min(options.keep_outputs, samples.size()) : 0;

  ObservationGraph wanted(graph);
  const Observers fresh(Extremes(graph, observed, wanted),
                        ValueCounts(graph, counted, options.counted_values, wanted),
                        KeptOutputs(graph, kept, wanted));
  RunnableModel runnable = wanted.write([&](const TfliteGraph& variant, const TfliteFileOptions& file) {
    return model.constants.file_of(variant, file);
  });
  runnable.weight_bytes = model.constants.file_size();
  ModelPool pool(litert, {runnable}, {options.threads, samples.size(), "calibrating"});
  std::vector<std::size_t> all(samples.size());
  std::iota(all.begin(), all.end(), 0);
  StepCounter progress(options.progress, samples.size());
  auto seen = observe(pool, samples, all, fresh, progress);

  const std::vector<Range> extremes = seen.get<Extremes>().ranges();
  std::vector<Range> ranges = extremes;
  const std::vector<Histogram>& histograms = seen.get<ValueCounts>().histograms();
  parallel_for(clippable.size(), options.threads, [&](int, std::size_t i) {
    Range& range = ranges[clippable[i]];
    range = choose_range(options.method, range, histograms[i], options.activations);
  });
  if (options.method == CalibrationMethod::mse) {
    for (std::size_t i = 0; i < observed.size(); ++i) {
      if (!graph.is_input(observed[i]))
        ranges[i] = with_room(ranges[i], extremes[i], samples.size(), upper_bound(graph, observed[i]));
    }
  }
  Calibration result;
  result.ranges.resize(graph.value_count());
  result.extremes.resize(graph.value_count());
  for (std::size_t i = 0; i < observed.size(); ++i) {
    result.ranges[observed[i].index] = ranges[i];
    result.extremes[observed[i].index] = extremes[i];
  }
  result.outputs = seen.get<KeptOutputs>().take();
  return result;
}

}  // namespace calib8
