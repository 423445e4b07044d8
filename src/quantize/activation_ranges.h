#pragma once

#include <map>
#include <optional>

#include "quantize/operator_types.h"
#include "quantize/plan.h"

namespace calib8 {

struct CompleteRanges {
  Ranges activations;
  /// Of a constant as that operator reads it, where that isn't the range of all its elements.
  std::map<Operand, Range> constants;
};

/// A range for every activation: observed, or following from the operator that writes it (bytes that were
/// only moved, parts that were joined, a kernel's prescribed output). What a mask in front of a SOFTMAX hides
/// is left out. Fails with ErrorCode::internal where tensors_to_observe() has a tensor without a range.
CompleteRanges complete_ranges(const TfliteGraph& graph, const OperatorTypes& types, const Ranges& observed);

/// The least and the greatest finite element of a float32 constant; nothing where there is none.
std::optional<Range> range_of_constant(const TfliteTensor& tensor);

}  // namespace calib8
