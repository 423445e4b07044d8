#pragma once

#include <functional>

#include "base/bytes.h"
#include "onnx_graph/onnx_graph.h"

namespace calib8 {

/// Takes the bytes of a file in order, part by part.
using ByteSink = std::function<void(ByteView)>;

/// Writes the graph as an ONNX file (ModelProto): opset 20, IR version 9, constants as raw_data in the order
/// of their first use, symbolic dimensions as dim_param. Constants go to the sink from where they lie: memory
/// doesn't grow with the model. The same graph gives the same bytes. Inputs and outputs need a known type, an
/// output may have unknown dimensions. Fails with ErrorCode::model, before the first byte, where a type is
/// missing or the file would exceed protobuf's 2 GB.
void write_onnx(const OnnxGraph& graph, const ByteSink& sink);

}  // namespace calib8
