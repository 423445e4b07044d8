#pragma once

#include "base/bytes.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// Lets the constants of the graph be those inside a .tflite file that was written from it, so that weights
/// are in memory once and not once more for each stage.
void share_constants(TfliteGraph& graph, const Data& file);

}  // namespace calib8
