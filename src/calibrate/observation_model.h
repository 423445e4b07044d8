#pragma once

#include <vector>

#include "base/bytes.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// The float model with a REDUCE_MIN and a REDUCE_MAX behind each of `observed`, written as a .tflite. Its
/// outputs are their results, scalars: minimum and maximum of observed[0], then of observed[1], and so on;
/// then the tensors `exposed` themselves. The reductions are exact, cost half of looking at the tensors from
/// outside, and need no memory.
Data observation_model(const TfliteGraph& graph, const std::vector<TensorId>& observed,
                       const std::vector<TensorId>& exposed);

}  // namespace calib8
