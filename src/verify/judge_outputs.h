#pragma once

#include "verify/verify_model.h"

namespace calib8 {

/// The outputs of both models for every sample: [sample][all outputs, one behind the other].
struct MeasuredOutputs {
  const std::vector<std::vector<float>>&of_float, &of_quantized;
  const std::vector<std::optional<int>>& labels;  ///< Of the samples.
};

/// What they are taken for, as in VerifyOptions.
struct OutputMeaning {
  std::size_t classes = 0;
  const Task* task = nullptr;
  bool classifies = true;
};

/// What outputs tell: all of a Verification but latency and layers. `graph` is the float model's.
Verification judge_outputs(const TfliteGraph& graph, const MeasuredOutputs& outputs,
                           const OutputMeaning& meaning);

}  // namespace calib8
