#include "calibrate/calibrate.h"

#include <algorithm>

#include "base/parallel.h"
#include "calibrate/observer.h"

namespace calib8 {
namespace {

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
  const bool needs_histograms = options.method != CalibrationMethod::minmax;
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
    range = choose_range(options.method, range, seen.histograms[i], options.activations);
  });
  Calibration result;
  result.ranges.resize(graph.value_count());
  for (std::size_t i = 0; i < observed.size(); ++i) result.ranges[observed[i].index] = seen.ranges[i];
  result.outputs = observer.take_kept_outputs();
  return result;
}

}  // namespace calib8
