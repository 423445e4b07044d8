#pragma once

#include "report/export_report.h"

namespace calib8 {

/// The gate fails only where the measurement excludes that the true agreement reaches `min_agreement`: it
/// lies above the whole 95 % interval. Few images prove little, and the verdict says so. Models that aren't
/// classifiers have no gate but this: outputs that are no numbers, or the same for all samples where the
/// float model's differ, always fail.
GateDecision decide_gate(const Verification& verification, double min_agreement);

}  // namespace calib8
