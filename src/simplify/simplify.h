#pragma once

#include <span>
#include <string_view>

#include "base/pass_runner.h"
#include "onnx_graph/onnx_graph.h"

namespace calib8 {

/// Brings a graph into the one form that lowering and model.onnx are made from, whoever wrote it (a
/// state_dict's architecture, the classic or the dynamo exporter): shapes inferred, constants folded,
/// BatchNormalization inside the convolutions, one spelling per operation (passes.h says each). The graph
/// computes the same as before. Set the input's sizes first (simplify/signature.h). Fails with
/// ErrorCode::model where a node contradicts its inputs.
PassReport simplify(OnnxGraph& graph, const PassOptions& options = {});

/// The names that `options` may hold, in the order of the list.
std::span<const std::string_view> simplify_pass_names();

}  // namespace calib8
