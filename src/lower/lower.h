#pragma once

#include "onnx_graph/onnx_graph.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// Brings a float model from ONNX's operators to TFLite's, node by node, by the rows of ops/. Every value has
/// a static type by now (simplify/ sees to it). The result is right but not yet good: a TRANSPOSE stands on
/// either side of each operator that TFLite has in NHWC only; optimize() removes them.
///
/// Inputs and outputs keep their names and order in the signature. Those of float32 and rank 4 become
/// channels last: an image N x C x H x W in ONNX is N x H x W x C in TFLite, and so is a feature map that
/// comes out, unless `keep_output_axes`. All others keep ONNX's order of dimensions.
///
/// Fails with ErrorCode::model where anything can't be lowered, naming all of it in one message: each
/// operator without a row, each row's refusal, each input or output that TFLite can't have.
TfliteGraph lower(const OnnxGraph& graph, bool keep_output_axes = false);

}  // namespace calib8
