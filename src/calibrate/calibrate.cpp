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

ActivationRanges by_tensor(const TfliteGraph& graph, const std::vector<TensorId>& observed,
                           const std::vector<Range>& ranges) {
  ActivationRanges result(graph.value_count());
  for (std::size_t i = 0; i < observed.size(); ++i) result[observed[i].index] = ranges[i];
  return result;
}

}  // namespace

Observations observe_activations(const FloatModel& model, const std::vector<TensorId>& observed,
                                 const SampleSource& samples, const std::shared_ptr<const LiteRt>& litert,
                                 const ObservationOptions& options) {
  const TfliteGraph& graph = model.graph;
  Observations result;
  result.observed = observed;
  result.samples = samples.size();
  if (!options.extremes_alone) result.counted = find_clippable(graph, observed);
  std::vector<TensorId> counted;
  for (const std::size_t i : result.counted) counted.push_back(observed[i]);
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
  result.extremes = seen.get<Extremes>().ranges();
  result.histograms = seen.get<ValueCounts>().histograms();
  result.outputs = seen.get<KeptOutputs>().take();
  return result;
}

ActivationRanges choose_ranges(const TfliteGraph& graph, const Observations& seen, CalibrationMethod method,
                               DType activations, int threads) {
  std::vector<Range> ranges = seen.extremes;
  if (method != CalibrationMethod::minmax) {
    parallel_for(seen.counted.size(), threads, [&](int, std::size_t i) {
      Range& range = ranges[seen.counted[i]];
      range = choose_range(method, range, seen.histograms[i], activations);
    });
  }
  if (method == CalibrationMethod::mse) {
    for (std::size_t i = 0; i < seen.observed.size(); ++i) {
      const TensorId tensor = seen.observed[i];
      if (!graph.is_input(tensor))
        ranges[i] = with_room(ranges[i], seen.extremes[i], seen.samples, upper_bound(graph, tensor));
    }
  }
  return by_tensor(graph, seen.observed, ranges);
}

ActivationRanges extremes_of(const TfliteGraph& graph, const Observations& seen) {
  return by_tensor(graph, seen.observed, seen.extremes);
}

Calibration calibrate(const FloatModel& model, const std::vector<TensorId>& observed,
                      const SampleSource& samples, const std::shared_ptr<const LiteRt>& litert,
                      const CalibrationOptions& options) {
  Observations seen = observe_activations(model, observed, samples, litert,
                                          {.extremes_alone = options.method == CalibrationMethod::minmax,
                                           .threads = options.threads,
                                           .keep_outputs = options.keep_outputs,
                                           .counted_values = options.counted_values,
                                           .progress = options.progress});
  return {choose_ranges(model.graph, seen, options.method, options.activations, options.threads),
          extremes_of(model.graph, seen), std::move(seen.outputs)};
}

}  // namespace calib8
