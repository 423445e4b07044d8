#pragma once

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// True where every reader of the tensor is a SOFTMAX, directly or by way of RESHAPEs that keep its rows.
bool only_softmax_reads(const TfliteGraph& graph, TensorId tensor);

}  // namespace calib8
