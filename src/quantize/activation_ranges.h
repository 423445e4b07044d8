#pragma once

#include "quantize/operator_types.h"
#include "quantize/plan.h"

namespace calib8 {

/// A range for every activation: observed, or following from the operator that writes it (bytes that were
/// only moved, parts that were joined, a kernel's prescribed output). Fails with ErrorCode::internal where
/// tensors_to_observe() has a tensor without a range.
Ranges complete_ranges(const TfliteGraph& graph, const OperatorTypes& types, const Ranges& observed);

/// The least and the greatest finite element of a float32 constant; nothing where there is none.
std::optional<Range> range_of_constant(const TfliteTensor& tensor);

}  // namespace calib8
