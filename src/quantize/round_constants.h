#pragma once

#include <vector>

#include "quantize/plan.h"
#include "quantize/rounding/rounding.h"

namespace calib8 {

/// One quantized form of a constant: what the operands that want it read in its place.
struct RoundedConstant {
  TensorId source;
  TensorPlan plan;
  std::vector<Operand> operands;  ///< In execution order.
  Data elements;
};

/// Rounds the constants of a plan, each form once however many operands want it, on `threads` threads; in
/// execution order of their first readers.
std::vector<RoundedConstant> round_constants(const TfliteGraph& graph, const Plan& plan,
                                             const RoundingMethod& rounding, int threads);

}  // namespace calib8
