#pragma once

#include <string_view>
#include <vector>

#include "base/pass_runner.h"
#include "ops/target.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

struct OptimizeOptions {
  PassOptions passes;
};

/// Brings a float model to its best float form for LiteRT: no TRANSPOSE that can be avoided, activations
/// fused, padding and arithmetic folded, and operators, operands and tensors in an order and with names that
/// depend on the network alone. The model computes the same, up to the rounding of float32 (and never less
/// exactly: folded weights are computed in double and rounded once). The ordered list of passes, with the
/// reason for each: optimize.cpp.
///
/// The graph is verified after each pass. Fails with ErrorCode::internal where a pass broke it.
PassReport optimize(TfliteGraph& graph, const OptimizeOptions& options = {});

/// Brings an optimized float model to operators that the target runs in integers: what lacks such a form
/// there is taken apart into what has one. Still a float model, to be calibrated as it stands.
PassReport prepare_for_integers(TfliteGraph& graph, const TargetTraits& target,
                                const OptimizeOptions& options = {});

/// Lets CONV_2D and its like read their weights through a DEQUANTIZE from float16: half the size, computed in
/// float32. LiteRT's XNNPACK folds the DEQUANTIZE when it loads the model. Biases stay float32 (they are a
/// thousandth of the size), and so do weights beyond float16's range of 65504.
void store_weights_as_float16(TfliteGraph& graph);

/// Names of all passes of this folder, each once though several lists may hold it, for check_pass_names().
/// One name means one function, here and in simplify/.
std::vector<std::string_view> optimize_pass_names();

}  // namespace calib8
