#pragma once

#include <vector>

#include "base/bytes.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// The float model with a REDUCE_MIN and a REDUCE_MAX behind each of `observed`, written as a .tflite. Its
/// outputs are their results, scalars: minimum and maximum of observed[0], then of observed[1], and so on.
/// Exact, at about half the cost of looking at the tensors from outside, and in the memory of the plain
/// model.
Data model_with_reductions(const TfliteGraph& graph, const std::vector<TensorId>& observed);

/// The float model that gives out the tensors themselves, in that order.
Data model_with_tensors(const TfliteGraph& graph, const std::vector<TensorId>& observed);

}  // namespace calib8
