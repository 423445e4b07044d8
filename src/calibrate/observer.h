#pragma once

#include <cmath>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "base/range.h"
#include "calibrate/calibrate.h"
#include "calibrate/histogram.h"
#include "calibrate/observation_model.h"
#include "runtime/interpreter.h"

namespace calib8 {

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

/// The float model over the samples of one calibration.
class Observer {
 public:
  Observer(const FloatModel& model, const std::vector<TensorId>& observed, const SampleSource& samples,
           const std::shared_ptr<const LiteRt>& litert, const CalibrationOptions& options);

  /// Runs the chosen samples: ranges of what is observed by reductions in the graph, histograms of `exposed`
  /// by their values.
  Observations run(const std::vector<std::size_t>& chosen, const std::vector<TensorId>& exposed);

  /// The model's outputs for the first CalibrationOptions::keep_outputs samples, as far as they were run.
  std::vector<std::vector<float>> take_kept_outputs() { return std::move(kept_outputs_); }

 private:
  void observe_ranges(const ObservationModel& model, const Interpreter& interpreter, std::size_t sample,
                      std::vector<Range>& ranges) const;

  const FloatModel& model_;
  const std::vector<TensorId>& observed_;
  const SampleSource& samples_;
  const std::shared_ptr<const LiteRt>& litert_;
  const CalibrationOptions& options_;
  ProgressCounter progress_;
  std::vector<std::vector<float>> kept_outputs_;
};

}  // namespace calib8
