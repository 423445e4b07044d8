#pragma once

#include "calib8/choices.h"
#include "quantize/plan.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// Performs a plan on the float graph it was made for: tensors get their types and quantization, constants
/// their integers, QUANTIZE and DEQUANTIZE stand where the plan needs them (before a requantized input,
/// around operators that stay in float, and at the model's edges unless `io` is int8). Constants are rounded
/// on `threads` threads.
void apply_plan(TfliteGraph& graph, const Plan& plan, ModelIo io, int threads);

}  // namespace calib8
