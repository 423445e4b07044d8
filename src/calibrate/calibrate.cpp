#include "calibrate/calibrate.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <numeric>

#include "base/parallel.h"
#include "base/stride.h"
#include "calib8/error.h"
#include "calibrate/observation_model.h"
#include "runtime/feed.h"

namespace calib8 {
namespace {

/// Above this many bytes of weights one instance with all threads serves: every instance packs a copy of its
/// own.
constexpr std::size_t most_bytes_for_instances = std::size_t{64} << 20;

/// Values of one tensor that enter its histogram, per sample.
constexpr std::size_t values_per_sample = 16384;

/// Runs samples on one model and hands each result to an observer: several single-threaded instances side by
/// side, or for a large model one instance, while the next samples are loaded in parallel.
class SampleRunner {
 public:
  SampleRunner(std::shared_ptr<const LiteRt> litert, Data model, int threads)
      : threads_(std::max(threads, 1)) {
    const bool side_by_side = model.size() <= most_bytes_for_instances;
    const int instances = side_by_side ? threads_ : 1;
    for (int i = 0; i < instances; ++i) {
      interpreters_.emplace_back(litert, model, InterpreterOptions{.threads = side_by_side ? 1 : threads_});
    }
  }

  int workers() const { return static_cast<int>(interpreters_.size()); }

  /// observe(worker, position, interpreter) after each run; calls with one worker don't overlap.
  template <class Observe>
  void run(const SampleSource& samples, const std::vector<std::size_t>& chosen, const Observe& observe) {
    if (workers() > 1 || threads_ == 1) {
      parallel_for(chosen.size(), workers(), [&](int worker, std::size_t position) {
        Interpreter& interpreter = interpreters_[static_cast<std::size_t>(worker)];
        feed(interpreter, samples.load(chosen[position]).inputs);
        interpreter.run();
        observe(worker, position, interpreter);
      });
      return;
    }
    const std::size_t batch = static_cast<std::size_t>(threads_) * 4;
    for (std::size_t start = 0; start < chosen.size(); start += batch) {
      std::vector<Sample> loaded(std::min(batch, chosen.size() - start));
      parallel_for(loaded.size(), threads_,
                   [&](int, std::size_t i) { loaded[i] = samples.load(chosen[start + i]); });
      parallel_for(loaded.size(), 1, [&](int, std::size_t i) {
        feed(interpreters_[0], loaded[i].inputs);
        interpreters_[0].run();
        observe(0, start + i, interpreters_[0]);
      });
    }
  }

 private:
  int threads_;
  std::vector<Interpreter> interpreters_;
};

/// Counts finished samples and reports each.
class ProgressCounter {
 public:
  ProgressCounter(const CalibrationOptions& options, std::size_t total) : options_(options), total_(total) {}
  void step() {
    if (!options_.progress) return;
    const std::lock_guard lock(mutex_);
    options_.progress(++done_, total_);
  }

 private:
  const CalibrationOptions& options_;
  std::size_t total_;
  std::size_t done_ = 0;
  std::mutex mutex_;
};

[[noreturn]] void fail_not_finite(const TfliteGraph& graph, TensorId tensor, std::size_t sample) {
  const bool given = graph.is_input(tensor);
  throw Error(
      given ? ErrorCode::dataset : ErrorCode::model,
      "its values are not finite for calibration sample " + std::to_string(sample) +
          (given ? ": check how the samples are made" : ": check the model's weights and the preprocessing"),
      "tensor '" + graph[tensor].name + "'");
}

/// What some samples showed.
struct Observations {
  std::vector<Range> ranges;          ///< Of each observed tensor.
  std::vector<Histogram> histograms;  ///< Of each exposed tensor.

  Observations(std::size_t observed, std::size_t exposed)
      : ranges(observed, {INFINITY, -INFINITY}), histograms(exposed) {}

  void merge_ranges(const Observations& other) {
    for (std::size_t i = 0; i < ranges.size(); ++i) ranges[i] = hull(ranges[i], other.ranges[i]);
  }
  void merge(const Observations& other) {
    merge_ranges(other);
    for (std::size_t i = 0; i < histograms.size(); ++i) histograms[i].merge(other.histograms[i]);
  }
};

/// All outputs of the model, one behind the other.
std::vector<float> model_outputs(const ObservationModel& model, const Interpreter& interpreter) {
  std::vector<float> values;
  for (std::size_t output = model.first_output; output < interpreter.outputs().size(); ++output) {
    const auto part = interpreter.output_as<float>(output);
    values.insert(values.end(), part.begin(), part.end());
  }
  return values;
}

bool all_outputs_are_real(const TfliteGraph& graph) {
  return std::all_of(graph.outputs().begin(), graph.outputs().end(),
                     [&](TensorId output) { return graph[output].dtype == DType::float32; });
}

/// The float model over the samples of one calibration.
class Observer {
 public:
  Observer(const FloatModel& model, const std::vector<TensorId>& observed, const SampleSource& samples,
           const std::shared_ptr<const LiteRt>& litert, const CalibrationOptions& options)
      : model_(model),
        graph_(model.graph),
        observed_(observed),
        samples_(samples),
        litert_(litert),
        options_(options),
        progress_(options, samples.size()),
        kept_outputs(all_outputs_are_real(model.graph) ? std::min(options.keep_outputs, samples.size()) : 0) {
  }

  /// Runs the chosen samples: ranges of what is observed by reductions in the graph, histograms of `exposed`
  /// by their values.
  Observations run(const std::vector<std::size_t>& chosen, const std::vector<TensorId>& exposed) {
    if (chosen.empty()) return {observed_.size(), exposed.size()};
    ObservationModel model = observation_model(model_, observed_, exposed);
    SampleRunner runner(litert_, std::move(model.file), options_.threads);
    std::vector<Observations> of_worker(static_cast<std::size_t>(runner.workers()),
                                        Observations(observed_.size(), exposed.size()));
    const int idle_threads = runner.workers() > 1 ? 1 : options_.threads;
    runner.run(samples_, chosen, [&](int worker, std::size_t position, Interpreter& interpreter) {
      Observations& seen = of_worker[static_cast<std::size_t>(worker)];
      for (std::size_t i = 0; i < observed_.size(); ++i) {
        const auto& [minimum, maximum] = model.extremes[i];
        const Range range{minimum ? interpreter.output_as<float>(*minimum)[0] : 0.0f,
                          interpreter.output_as<float>(maximum)[0]};
        if (!std::isfinite(range.low) || !std::isfinite(range.high))
          fail_not_finite(graph_, observed_[i], chosen[position]);
        seen.ranges[i] = hull(seen.ranges[i], range);
      }
      parallel_for(exposed.size(), idle_threads, [&](int, std::size_t i) {
        const std::size_t stride = sampling_stride(graph_[exposed[i]].shape, values_per_sample);
        seen.histograms[i].add_strided(interpreter.output_as<float>(model.first_exposed + i), stride);
      });
      if (chosen[position] < kept_outputs.size())
        kept_outputs[chosen[position]] = model_outputs(model, interpreter);
      progress_.step();
    });
    Observations all = std::move(of_worker.front());
    for (std::size_t worker = 1; worker < of_worker.size(); ++worker) all.merge(of_worker[worker]);
    return all;
  }

 private:
  const FloatModel& model_;
  const TfliteGraph& graph_;
  const std::vector<TensorId>& observed_;
  const SampleSource& samples_;
  const std::shared_ptr<const LiteRt>& litert_;
  const CalibrationOptions& options_;
  ProgressCounter progress_;

 public:
  std::vector<std::vector<float>> kept_outputs;  ///< Of the first samples, as far as they were run.
};

/// Whether each sample is one of `count` that are spread evenly over all.
std::vector<bool> spread_evenly(std::size_t count, std::size_t available) {
  std::vector<bool> chosen(available, false);
  count = std::min(count, available);
  for (std::size_t i = 0; i < count; ++i) chosen[i * available / count] = true;
  return chosen;
}

}  // namespace

Calibration calibrate(const FloatModel& model, const std::vector<TensorId>& observed,
                      const SampleSource& samples, const std::shared_ptr<const LiteRt>& litert,
                      const CalibrationOptions& options) {
  const TfliteGraph& graph = model.graph;
  const bool needs_histograms = options.method != RangeMethod::minmax;
  std::vector<TensorId> clipped;
  std::vector<std::size_t> clipped_position;
  for (std::size_t i = 0; needs_histograms && i < observed.size(); ++i) {
    if (graph.is_input(observed[i]) || graph.is_output(observed[i])) continue;
    clipped.push_back(observed[i]);
    clipped_position.push_back(i);
  }
  const std::vector<bool> is_looked_at =
      spread_evenly(needs_histograms ? options.histogram_samples : 0, samples.size());
  std::vector<std::size_t> looked_at, others;
  for (std::size_t i = 0; i < samples.size(); ++i) (is_looked_at[i] ? looked_at : others).push_back(i);

  Observer observer(model, observed, samples, litert, options);
  const Observations at_others = observer.run(others, {});
  Observations seen = observer.run(looked_at, clipped);
  seen.merge_ranges(at_others);

  parallel_for(clipped.size(), options.threads, [&](int, std::size_t i) {
    Range& range = seen.ranges[clipped_position[i]];
    range = choose_range(options.method, range, seen.histograms[i]);
  });
  Calibration result;
  result.ranges.resize(graph.value_count());
  for (std::size_t i = 0; i < observed.size(); ++i) result.ranges[observed[i].index] = seen.ranges[i];
  result.outputs = std::move(observer.kept_outputs);
  return result;
}

}  // namespace calib8
