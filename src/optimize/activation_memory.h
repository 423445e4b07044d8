#pragma once

#include <cstdint>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// Bytes of the activations that are alive at once, at most, where the operators run in their order and each
/// tensor lives from its producer to its last reader (inputs and outputs throughout).
std::int64_t peak_activation_bytes(const TfliteGraph& graph);

/// Fails with ErrorCode::model where a float model can't be calibrated in reasonable memory: one activation
/// of more than 2^28 elements, or activations of more than 4 GiB at once. A file of a kilobyte can ask for
/// either.
void require_runnable(const TfliteGraph& graph);

}  // namespace calib8
