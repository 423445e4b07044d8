#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// The first thing in the graph that is not as LiteRT needs it, as one line; nothing where all is sound: the
/// structure (first_structural_fault), how many tensors each operator reads and writes, and that types and
/// shapes of what it writes are those that its row infers from its inputs, options and constants.
std::optional<std::string> first_fault(const TfliteGraph& graph);

/// Why LiteRT can't be given a computed tensor of this shape; nothing where it can.
std::optional<std::string> refusal_of(const TfliteTensor& tensor);
/// Why LiteRT can't be given this operator with these inputs and options, whatever its outputs are declared;
/// nothing where it can.
std::optional<std::string> refusal_of(const TfliteGraph& graph, OperatorId id);

/// Fails with ErrorCode::internal, naming the stage, where there is such a fault.
void verify(const TfliteGraph& graph, std::string_view stage);

}  // namespace calib8
