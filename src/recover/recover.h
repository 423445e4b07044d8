#pragma once

#include <optional>
#include <vector>

#include "recover/accuracy_goal.h"
#include "recover/mixed_precision.h"
#include "recover/trials.h"

namespace calib8 {

/// The same model with pixels as its input.
struct PixelCandidate {
  const QuantizationTask& task;  ///< TensorIds and OperatorIds of the other task's model mean the same here.
  const std::vector<OperatorId>& first_layers;  ///< What meets other values than there.
  double least_gain = 0;  ///< In decibels, by which it must be ahead: who feeds the model must know of it.
};

/// The same model with its channels equalized (recover/equalization.h).
struct EqualizedCandidate {
  const QuantizationTask& task;  ///< TensorIds and OperatorIds of the other task's model mean the same here.
  const std::vector<OperatorId>& layers;  ///< What meets other values than there.
  std::optional<PixelCandidate> pixels;   ///< And with pixels as its input.
};

struct RecoveryOptions {
  CalibrationMethod method = CalibrationMethod::mse;  ///< That was asked for: of QuantizationTask::ranges.
  Effort effort = Effort::balanced;
  const SampleSource* selection = nullptr;           ///< Samples that are set apart to compare candidates on.
  std::optional<PixelCandidate> pixels = {};         ///< Tried where candidates are compared.
  std::optional<EqualizedCandidate> equalized = {};  ///< Likewise.
  StepCounter::Report progress;
  AccuracyGoal goal;                ///< What has to be reached: where integers don't, some stay in float.
  bool may_keep_float = true;       ///< Whether operators may,
  bool may_change_outputs = false;  ///< and whether outputs may be given out in float.
};

/// Whether samples that are set apart are enough to compare candidates on; else those that calibrate are.
bool can_compare_on(const SampleSource* selection);

/// The samples that are to be set apart for an effort.
std::size_t selection_samples(Effort effort);

struct Recovered {
  QuantizedModel model;
  Recipe recipe;
  /// The plain way first; empty where nothing was compared: with Effort::fast, outputs that are no numbers,
  /// or more than 10,000 operators.
  std::vector<Trial> trials;
  std::size_t samples = 0;              ///< That they were compared on,
  bool set_apart = true;                ///< and whether these didn't calibrate.
  std::optional<MixedPrecision> mixed;  ///< What stays in float to reach the goal.
};

/// Makes an integer model. With Effort::fast the plain way: the ranges that were asked for, weights rounded
/// to balance each other. Else candidates are measured on LiteRT and the best is kept, so that none ends
/// worse than the plain way on these samples: ranges of least error and all that was seen; second-order
/// rounding; channels equalized, and pixels as the input, of the best so far; then corrections of the last
/// layers. Where the best misses the goal, mix_precision() follows. The recipe says whether channels are
/// equalized and whether the model takes pixels. The result
/// doesn't depend on the number of threads.
Recovered recover(const QuantizationTask& task, const RecoveryOptions& options);

}  // namespace calib8
