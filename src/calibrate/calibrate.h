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

struct CalibrationOptions {
  CalibrationMethod method = CalibrationMethod::mse;
  DType activations = DType::int8;  ///< The type that the ranges are chosen for: int8 or int16.
  int threads = 1;
  /// Values that go into histograms, of each tensor in each sample.
  std::size_t counted_values = 4096;
  /// Samples, from the first on, whose outputs are kept, because they will be verified on too.
  std::size_t keep_outputs = 0;
  StepCounter::Report progress;
};

/// What calibration finds out.
struct Calibration {
  std::vector<std::optional<Range>> ranges;  ///< By TensorId::index; nothing where a tensor wasn't observed.
  std::vector<std::optional<Range>> extremes;  ///< Likewise: all that was seen.
  /// All outputs of the float model, one behind the other, for each of the first
  /// CalibrationOptions::keep_outputs samples; empty where not all outputs are float32.
  std::vector<std::vector<float>> outputs;
};

/// Runs the float model on every sample and chooses a range for each of `observed`.
///
/// The exact minimum and maximum come from all values (see Extremes), histograms, where the method needs
/// them, from a part of each tensor in each sample (see ValueCounts). Where the range could clip, the graph's
/// inputs and outputs keep all that was seen: clipping an input loses data, clipping the top logit the
/// answer. Beside inputs, ranges of CalibrationMethod::mse get room for what the samples didn't show (see
/// with_room()). The result doesn't depend on the number of threads.
///
/// Fails with ErrorCode::model where a tensor becomes NaN or infinite, ErrorCode::dataset where a sample
/// can't be had.
Calibration calibrate(const FloatModel& model, const std::vector<TensorId>& observed,
                      const SampleSource& samples, const std::shared_ptr<const LiteRt>& litert,
                      const CalibrationOptions& options);

}  // namespace calib8
