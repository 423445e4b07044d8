#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// A TRANSPOSE's permutation: dimension i of the result is dimension permutation[i] of the operand.
using Permutation = std::vector<std::int32_t>;

bool is_permutation(const Permutation& permutation);
bool is_identity(const Permutation& permutation);
Permutation inverse(const Permutation& permutation);
/// The one permutation that stands for transposing by `first`, then by `second`.
Permutation then(const Permutation& first, const Permutation& second);

/// The shape that transposing a tensor of `shape` gives.
Shape permuted(const Shape& shape, const Permutation& permutation);
/// True where only dimensions of size 1 change their place among the others: the elements stay in their
/// order.
bool keeps_element_order(const Shape& shape, const Permutation& permutation);
/// The transposed constant, of any element type.
Tensor permuted(const Tensor& tensor, const Permutation& permutation);
/// `shape` with ones in front, up to `rank` dimensions.
Shape with_rank(Shape shape, std::size_t rank);

/// A TRANSPOSE with a constant permutation, as the reader of its result sees it.
struct TransposeView {
  OperatorId id;
  TensorId input;  ///< What is transposed.
  Permutation permutation;
};
/// The TRANSPOSE that `id` is; nothing where it is another operator, its permutation isn't constant, or its
/// shapes contradict it. The rank is at least 1.
std::optional<TransposeView> as_transpose(const TfliteGraph& graph, OperatorId id);
/// The TRANSPOSE that writes `tensor`; nothing where it is written by something else.
std::optional<TransposeView> transpose_behind(const TfliteGraph& graph, TensorId tensor);

/// Adds a TRANSPOSE of `input` in front of `next` and returns its result.
TensorId insert_transpose_before(TfliteGraph& graph, OperatorId next, TensorId input,
                                 const Permutation& permutation);

/// Lets `id` write its output in the order of dimensions before `permutation`, and adds the TRANSPOSE behind
/// it that gives the old readers what they had:   op -> y   becomes   op -> y' -> TRANSPOSE(permutation) ->
/// y. The name goes with y', which stays when the TRANSPOSE is gone. An identity adds no TRANSPOSE.
void transpose_output_back(TfliteGraph& graph, OperatorId id, std::size_t position,
                           const Permutation& permutation);

}  // namespace calib8
