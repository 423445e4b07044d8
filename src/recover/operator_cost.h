#pragma once

#include "ops/target.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// The multiplications of an operator with weights and of a product of matrices; of others none. What decides
/// how long a network runs.
double multiplications(const TfliteGraph& graph, OperatorId id, const TargetTraits& target);

/// What an operator does beside: the elements that it writes.
double elements_written(const TfliteGraph& graph, OperatorId id);

}  // namespace calib8
