#pragma once

#include <cstdint>
#include <string>

#include "onnx_graph/onnx_graph.h"

/// Sizes of a graph's inputs, set before simplify() runs. None of these re-infers shapes.
namespace calib8 {

/// Gives the image input (the only one of rank 4, [batch, channels, height, width]) its height and width in
/// pixels, where the file leaves them open. Fails with ErrorCode::model where there is no such input or the
/// file has fixed other sizes.
void set_input_size(OnnxGraph& graph, std::int64_t height, std::int64_t width);

/// Gives dimension 0 of all inputs this size, where the file leaves it open; a size that the file has fixed
/// stays.
void fix_batch(OnnxGraph& graph, std::int64_t batch);

/// Leaves dimension 0 of all inputs open under that name and infers the shapes anew. Fails with
/// ErrorCode::model where the graph itself has a fixed batch written into it (a Reshape to [1, -1], say), so
/// that an output's would not follow.
void open_batch(OnnxGraph& graph, const std::string& symbol = "batch");

/// Fails with ErrorCode::model, naming all of them at once, where an input has sizes that nobody has fixed.
void require_static_inputs(const OnnxGraph& graph);

}  // namespace calib8
