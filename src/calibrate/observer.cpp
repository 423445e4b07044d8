#include "calibrate/observer.h"

#include <algorithm>
#include <string>

#include "base/parallel.h"
#include "base/stride.h"
#include "calib8/error.h"
#include "calibrate/sample_runner.h"

namespace calib8 {
namespace {

/// Values of one tensor that enter its histogram, per sample.
constexpr std::size_t values_per_sample = 16384;

[[noreturn]] void fail_not_finite(const TfliteGraph& graph, TensorId tensor, std::size_t sample) {
  const bool given = graph.is_input(tensor);
  throw Error(
      given ? ErrorCode::dataset : ErrorCode::model,
      "its values are not finite for calibration sample " + std::to_string(sample) +
          (given ? ": check how the samples are made" : ": check the model's weights and the preprocessing"),
      "tensor '" + graph[tensor].name + "'");
}

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

}  // namespace

Observer::Observer(const FloatModel& model, const std::vector<TensorId>& observed,
                   const SampleSource& samples, const std::shared_ptr<const LiteRt>& litert,
                   const CalibrationOptions& options)
    : model_(model),
      observed_(observed),
      samples_(samples),
      litert_(litert),
      options_(options),
      progress_(options, samples.size()),
      kept_outputs_(all_outputs_are_real(model.graph) ? std::min(options.keep_outputs, samples.size()) : 0) {}

void Observer::observe_ranges(const ObservationModel& model, const Interpreter& interpreter,
                              std::size_t sample, std::vector<Range>& ranges) const {
  for (std::size_t i = 0; i < observed_.size(); ++i) {
    const auto& [minimum, maximum] = model.extremes[i];
    const Range range{minimum ? interpreter.output_as<float>(*minimum)[0] : 0.0f,
                      interpreter.output_as<float>(maximum)[0]};
    if (!std::isfinite(range.low) || !std::isfinite(range.high))
      fail_not_finite(model_.graph, observed_[i], sample);
    ranges[i] = hull(ranges[i], range);
  }
}

Observations Observer::run(const std::vector<std::size_t>& chosen, const std::vector<TensorId>& exposed) {
  if (chosen.empty()) return {observed_.size(), exposed.size()};
  ObservationModel model = observation_model(model_, observed_, exposed);
  SampleRunner runner(litert_, std::exchange(model.file, {}), model_.constants.file_size(), options_.threads,
                      chosen.size());
  std::vector<Observations> of_worker(static_cast<std::size_t>(runner.workers()),
                                      Observations(observed_.size(), exposed.size()));
  runner.run(samples_, chosen, [&](int worker, std::size_t position, Interpreter& interpreter) {
    Observations& seen = of_worker[static_cast<std::size_t>(worker)];
    const std::size_t sample = chosen[position];
    observe_ranges(model, interpreter, sample, seen.ranges);
    parallel_for(exposed.size(), runner.threads_of_worker(), [&](int, std::size_t i) {
      const std::size_t stride = sampling_stride(model_.graph[exposed[i]].shape, values_per_sample);
      seen.histograms[i].add_strided(interpreter.output_as<float>(model.first_exposed + i), stride);
    });
    if (sample < kept_outputs_.size()) kept_outputs_[sample] = model_outputs(model, interpreter);
    progress_.step();
  });
  Observations all = std::move(of_worker.front());
  for (std::size_t worker = 1; worker < of_worker.size(); ++worker) all.merge(of_worker[worker]);
  return all;
}

}  // namespace calib8
