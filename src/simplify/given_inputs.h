#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "onnx_graph/onnx_graph.h"

/// What a user fixes of a graph's inputs by their names, before simplify() runs. All fail with
/// ErrorCode::usage, naming the flag.
namespace calib8 {

/// Gives the input its sizes, each at least 1, where the file leaves them open (--input-shape). They must be
/// as many as the file says, and equal to those that it fixes.
void set_input_shape(OnnxGraph& graph, const std::string& name, const std::vector<std::int64_t>& sizes);

/// Replaces the input with a constant (--input): one number for all its elements, or as many as it has, row
/// by row. The first size, the batch, is 1 where nothing else says it; any other open size follows from how
/// many numbers there are. They must be numbers of the input's type: whole ones for integers, 0 and 1 for
/// bool. At least one input has to be left.
void fix_input(OnnxGraph& graph, const std::string& name, const std::vector<double>& values);

}  // namespace calib8
