#pragma once

#include "quantize/operator_types.h"
#include "quantize/plan.h"

namespace calib8 {

/// For a model whose outputs are float: a CONCATENATION on the way to outputs alone that joins values of very
/// different size (boxes in pixels and scores up to 1) is kept in float, so that each part has a scale of its
/// own. `ranges` has one for each activation.
void keep_joins_of_outputs_in_float(const TfliteGraph& graph, const Ranges& ranges, OperatorTypes& types);

}  // namespace calib8
