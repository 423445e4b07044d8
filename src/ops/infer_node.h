#pragma once

#include "onnx_graph/onnx_graph.h"

namespace calib8 {

/// Gives the node's outputs their types by its operator's row, where those of its inputs are known; whether
/// that told anything new. Fails with ErrorCode::model, naming the node, where its inputs don't go together.
bool infer_types(OnnxGraph& graph, OnnxNodeId node);

}  // namespace calib8
