#pragma once

#include <map>
#include <vector>

#include "recover/quantized_model.h"

namespace calib8 {

/// What the outputs of a layer are to become, by channel: gain * output + shift.
struct Correction {
  std::vector<double> gain, shift;
};
using Corrections = std::map<OperatorId, Correction>;

/// How the outputs of a quantized model's last layers (weights of their own, a bias, no activation, and no
/// layer with weights behind them) are best mapped to the float model's on the calibration samples: by least
/// squares. To first order that takes back what all layers before
/// add to the means, and what clipped ranges take from the slopes.
struct FittedCorrections {
  Corrections gain_and_shift, shift;  ///< The latter with gains of 1.
};
FittedCorrections fit_last_layers(const QuantizationTask& task, const QuantizedModel& model);

/// The float graph whose layers give corrected outputs: weights * gain, bias * gain + shift.
TfliteGraph corrected(const TfliteGraph& graph, const Corrections& corrections);

}  // namespace calib8
