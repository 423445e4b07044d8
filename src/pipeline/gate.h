#pragma once

#include "calib8/export.h"
#include "report/export_report.h"

namespace calib8 {

/// An output below this is mostly error, whatever else was measured on it.
inline constexpr double kLeastDecibels = 10;

/// What a quantized model has to reach.
struct GateLimits {
  double min_agreement = 0.98;  ///< Of a classifier: the share of samples that get the float model's class.
  std::optional<double> min_sqnr = 20;  ///< Of any other model: decibels of each output.
  bool more_samples = false;            ///< Whether the data may hold more samples than could be used.
  bool judges_task = true;   ///< Whether what the outputs are for may be judged, where it was scored.
  std::string first_remedy;  ///< Of a failure: what this export left undone. May be empty.
};

/// Decibels that are asked of each output: what was given, or 20 where a gate is wanted.
std::optional<double> asked_decibels(const ExportOptions& options);

/// What a detector may lose of mAP50-95: what was given, or 0.01 where a gate is wanted.
std::optional<double> asked_map_loss(const ExportOptions& options);

/// Proven or failed where the 95 % interval of what was measured lies on one side of the limit, else
/// unproven: few samples tell little. Where the outputs'
/// task was scored, and the score decides, by what int8 loses of it. Else classifiers are judged by the
/// classes that agree, all others by each output's signal to noise. Whatever the model, it fails where an
/// output is no number, is dead, has lost one of the parts that it is joined of, or is less than 10 dB above
/// its error (or than min_sqnr, where that is less). Where nothing is asked for (0, or no min_sqnr) nothing
/// is proven, and only outputs that are no number or dead fail.
GateDecision decide_gate(const Verification& verification, const GateLimits& limits);

}  // namespace calib8
