#pragma once

#include <string>

#include "verify/verify_model.h"

namespace calib8 {

/// Whether a quantized model is good enough to be shipped, in words.
struct GateDecision {
  bool passed = true;
  std::string verdict;
  std::string next_step;
};

/// The gate fails only where the measurement excludes that the true agreement reaches `min_agreement`: it
/// lies above the whole 95 % interval. Few images prove little, and the verdict says so. Models that aren't
/// classifiers have no gate.
GateDecision decide_gate(const Verification& verification, double min_agreement);

}  // namespace calib8
