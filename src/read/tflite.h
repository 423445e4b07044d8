#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "tflite_graph/outline.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// Whether the bytes begin as a .tflite file does (identifier "TFL3").
bool looks_like_tflite(ByteView bytes);

/// Reads a .tflite file with one subgraph; constants stay views into `file`, also those that stand behind the
/// FlatBuffer. Names of the signature go to input_names and output_names; where there is no signature, the
/// tensors' names do. A dynamic size (in shape_signature) is read as the size that the file gives beside it.
///
/// Fails with ErrorCode::model, prefixed by `where`, on a file that is damaged or that has what calib8
/// doesn't handle: several subgraphs, variables, sparse, packed or string tensors; unknown operators are all
/// named at once. Memory beside the file is bounded by a small multiple of its size.
TfliteGraph read_tflite(const Data& file, const std::string& where);

/// What can be told of any .tflite file. Names, and failures on damaged ones, as read_tflite's.
TfliteOutline read_tflite_outline(const Data& file, const std::string& where);

}  // namespace calib8
