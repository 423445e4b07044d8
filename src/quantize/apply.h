#pragma once

#include "calib8/choices.h"
#include "quantize/plan.h"
#include "quantize/round_constants.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// Performs a plan on the float graph it was made for: round_constants(), then rewrite_graph(). `io` is the
/// type of the model's inputs and outputs.
void apply_plan(TfliteGraph& graph, const Plan& plan, ModelIo io, int threads, const Rounding& rounding = {});

}  // namespace calib8
