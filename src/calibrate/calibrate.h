#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "calibrate/choose_range.h"
#include "run/observer.h"
#include "write/constant_block.h"

namespace calib8 {

struct ObservationOptions {
  bool extremes_alone = false;  ///< Ranges will be CalibrationMethod::minmax's: values needn't be counted.
  int threads = 1;
  /// Samples, from the first on, whose outputs are kept, because they will be verified on too.
  std::size_t keep_outputs = 0;
  std::size_t counted_values = 4096;  ///< Values that go into histograms, of each tensor in each sample.
  StepCounter::Report progress;
};

/// What was seen of a float model's activations. Ranges can be chosen from it by several methods.
struct Observations {
  std::vector<TensorId> observed;
  std::vector<Range> extremes;        ///< Of each: all that was seen.
  std::vector<std::size_t> counted;   ///< Positions of those whose values were counted,
  std::vector<Histogram> histograms;  ///< and their counts.
  std::size_t samples = 0;
  /// All outputs of the float model, one behind the other, for each of the first
  /// ObservationOptions::keep_outputs samples; empty where not all outputs are float32.
  std::vector<std::vector<float>> outputs;
};

/// Runs the float model on every sample. The exact minimum and maximum come from all values (see Extremes),
/// histograms from a part of each tensor in each sample (see ValueCounts). The result doesn't depend on the
/// number of threads.
///
/// Fails with ErrorCode::model where a tensor becomes NaN or infinite, ErrorCode::dataset where a sample
/// can't be had.
Observations observe_activations(const FloatModel& model, const std::vector<TensorId>& observed,
                                 const SampleSource& samples, const std::shared_ptr<const LiteRt>& litert,
                                 const ObservationOptions& options);

/// Ranges by TensorId::index; nothing where a tensor wasn't observed.
using ActivationRanges = std::vector<std::optional<Range>>;

/// A range for each tensor that was observed, for activations of int8 or int16.
///
/// Where the range could clip, the graph's inputs and outputs keep all that was seen: clipping an input loses
/// data, clipping the top logit the answer. Beside inputs, ranges of CalibrationMethod::mse get room for what
/// the samples didn't show (see with_room()).
ActivationRanges choose_ranges(const TfliteGraph& graph, const Observations& seen, CalibrationMethod method,
                               DType activations, int threads);

/// All that was seen.
ActivationRanges extremes_of(const TfliteGraph& graph, const Observations& seen);

struct CalibrationOptions {
  CalibrationMethod method = CalibrationMethod::mse;
  DType activations = DType::int8;  ///< The type that the ranges are chosen for: int8 or int16.
  int threads = 1;
  std::size_t keep_outputs = 0;       ///< As of ObservationOptions;
  std::size_t counted_values = 4096;  ///< likewise.
  StepCounter::Report progress;
};

/// What calibration finds out.
struct Calibration {
  ActivationRanges ranges, extremes;
  std::vector<std::vector<float>> outputs;  ///< As of Observations.
};

/// observe_activations() and choose_ranges() by one method.
Calibration calibrate(const FloatModel& model, const std::vector<TensorId>& observed,
                      const SampleSource& samples, const std::shared_ptr<const LiteRt>& litert,
                      const CalibrationOptions& options);

}  // namespace calib8
