#pragma once

#include "verify/verify_model.h"

namespace calib8 {

/// Compares every activation of the quantized model with the same one of the float model on the first
/// options.layer_samples samples, and returns the most_worst_layers with the lowest SQNR, worst first. An
/// error made in one layer shows in those behind it too.
std::vector<LayerError> find_worst_layers(const FloatModel& float_model, const TfliteGraph& quantized,
                                          const SampleSource& samples,
                                          const std::shared_ptr<const LiteRt>& litert,
                                          const VerifyOptions& options);

}  // namespace calib8
