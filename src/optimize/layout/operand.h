#pragma once

#include "optimize/layout/permutation.h"

namespace calib8 {

/// What an operator may do to get its other operands into the order of dimensions before a TRANSPOSE that it
/// is about to swallow.
enum class OperandCost {
  free,     ///< Take the operand of an equal TRANSPOSE, or transpose a constant.
  reshape,  ///< Also add a RESHAPE, where only dimensions of size 1 move ([N, C, 1, 1] -> [N, 1, 1, C]).
};

/// True where `operand`, read by an operator of `rank` dimensions after `permutation`, has such a form.
bool has_form_before(const TfliteGraph& graph, TensorId operand, std::size_t rank,
                     const Permutation& permutation, OperandCost cost);

/// The tensor that, transposed by `permutation`, is `operand` (with ones in front up to `rank`). Only where
/// has_form_before(); what must be added is added in front of `reader`.
TensorId form_before(TfliteGraph& graph, OperatorId reader, TensorId operand, std::size_t rank,
                     const Permutation& permutation);

}  // namespace calib8
