#pragma once

#include <set>
#include <vector>

#include "quantize/operator_types.h"
#include "quantize/plan.h"

namespace calib8 {

/// The CONCATENATIONs that compute in integers on the way to `outputs` alone and join values of very
/// different size (boxes in pixels and scores up to 1): one scale leaves the smallest part few levels, or
/// none. `ranges` has one for each activation. In execution order.
std::vector<UnequalJoin> unequal_joins_of_outputs(const TfliteGraph& graph, const Ranges& ranges,
                                                  const OperatorTypes& types,
                                                  const std::set<TensorId>& outputs);

/// The residual streams of int8 (streams_of_normalizations) in which values of very different size are
/// joined, constants among them: a class token and patches. A normalization makes every position as large as
/// the others, so that each counts as much, but one scale leaves nothing of the small ones. They compute in
/// float.
void keep_unequal_streams_in_float(const TfliteGraph& graph, const Ranges& ranges, OperatorTypes& types);

/// For outputs that are float: they are joined in float, so that each part has a scale of its own.
void keep_in_float(const std::vector<UnequalJoin>& joins, OperatorTypes& types);

}  // namespace calib8
