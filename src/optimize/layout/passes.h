#pragma once

#include "tflite_graph/tflite_graph.h"

/// The layout passes. Lowering keeps ONNX's order of dimensions (NCHW) and puts a TRANSPOSE on either side of
/// each operator that TFLite has in NHWC only. These passes move every TRANSPOSE down the graph until it
/// meets its inverse or a place where it costs nothing; a CNN ends with none. Each looks at one operator,
/// returns whether it changed the graph, and is right for any permutation and rank, not only for NCHW and
/// NHWC.
namespace calib8 {

bool fold_transpose_of_constant(TfliteGraph& graph, OperatorId id);

/// The first that changes something of those that follow.
bool sink_transpose(TfliteGraph& graph, OperatorId id);
bool cancel_transposes(TfliteGraph& graph, OperatorId id);
bool sink_transpose_through_unary(TfliteGraph& graph, OperatorId id);
bool sink_transpose_through_binary(TfliteGraph& graph, OperatorId id);
bool sink_transpose_through_pad(TfliteGraph& graph, OperatorId id);
bool sink_transpose_through_reduction(TfliteGraph& graph, OperatorId id);
bool sink_transpose_through_concatenation(TfliteGraph& graph, OperatorId id);
bool sink_transpose_through_slice(TfliteGraph& graph, OperatorId id);
bool sink_transpose_through_split(TfliteGraph& graph, OperatorId id);
bool sink_transpose_through_softmax(TfliteGraph& graph, OperatorId id);
bool sink_transpose_through_reshape(TfliteGraph& graph, OperatorId id);

bool raise_transpose_through_reshape(TfliteGraph& graph, OperatorId id);
bool absorb_transpose_into_fully_connected(TfliteGraph& graph, OperatorId id);
bool reshape_operand_to_sink_transpose(TfliteGraph& graph, OperatorId id);
bool replace_transpose_with_reshape(TfliteGraph& graph, OperatorId id);

}  // namespace calib8
