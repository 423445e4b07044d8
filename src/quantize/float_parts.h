#pragma once

#include <functional>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// Parts of a graph that are one thing in float and lose by being quantized piece by piece.

/// The operators of normalizations by the values' own statistics (layer, instance, group, RMS, L2, local
/// response), however they are spelled: x, its mean, the squares, their mean or sum, the root or logarithm,
/// the quotient, and the factor and offset behind it.
std::vector<OperatorId> operators_of_normalizations(const TfliteGraph& graph);

/// The operators of quotients whose dividend and divisor are parts of one product of matrices (linear
/// attention: values and their weights' sum in one tensor): the product and what leads from it to the DIV.
/// Both parts may be large while their ratio is not, and one scale for both leaves nothing of it.
std::vector<OperatorId> operators_of_quotients(const TfliteGraph& graph);

/// What normalizations read, over any number of sums and concatenations, and what moves their elements in
/// between (the residual stream of a transformer): a list for each stream, in execution order.
std::vector<std::vector<OperatorId>> streams_of_normalizations(const TfliteGraph& graph);

/// The elementwise operators that compute a function of one tensor, of which at least one is better kept in
/// float: the others, in integers between, would only add roundings, and XNNPACK makes one table of the
/// whole.
std::vector<OperatorId> operators_of_functions(const TfliteGraph& graph,
                                               const std::function<bool(OperatorId)>& is_kept);

}  // namespace calib8
