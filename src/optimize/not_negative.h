#pragma once

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// True where no element of the tensor can be negative, as the operators before it show (a RELU, fused or
/// not, and what only moves or averages).
bool is_not_negative(const TfliteGraph& graph, TensorId tensor);

}  // namespace calib8
