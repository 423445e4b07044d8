#include "optimize/layout/operand.h"

#include <algorithm>

#include "optimize/rewrite.h"

namespace calib8 {
namespace {

bool is_single_element(const TfliteGraph& graph, TensorId id) {
  const Shape& shape = graph[id].shape;
  return std::all_of(shape.begin(), shape.end(), [](std::int64_t size) { return size == 1; });
}

bool is_transposed_by(const TfliteGraph& graph, TensorId id, const Permutation& permutation) {
  const auto behind = transpose_behind(graph, id);
  return behind && behind->permutation == permutation;
}

}  // namespace

bool has_form_before(const TfliteGraph& graph, TensorId operand, std::size_t rank,
                     const Permutation& permutation, OperandCost cost) {
  if (graph[operand].shape.size() > rank || permutation.size() != rank) return false;
  if (is_transposed_by(graph, operand, permutation)) return true;
  if (is_single_element(graph, operand) && graph[operand].shape.size() < rank) return true;
  if (graph[operand].quantization && graph[operand].quantization->scales.size() > 1) return false;
  if (graph.is_constant(operand)) return true;
  return cost == OperandCost::reshape &&
         keeps_element_order(with_rank(graph[operand].shape, rank), inverse(permutation));
}

TensorId form_before(TfliteGraph& graph, OperatorId reader, TensorId operand, std::size_t rank,
                     const Permutation& permutation) {
  const auto behind = transpose_behind(graph, operand);
  if (behind && behind->permutation == permutation) return behind->input;
  const TfliteTensor& tensor = graph[operand];
  // Broadcast over every dimension: the same in any order.
  if (is_single_element(graph, operand) && tensor.shape.size() < rank) return operand;
  const Permutation back = inverse(permutation);
  const Shape full = with_rank(tensor.shape, rank);
  if (graph.is_constant(operand)) {
    const TensorId moved =
        graph.add_constant(tensor.name, permuted(Tensor{tensor.dtype, full, tensor.constant.value()}, back));
    graph[moved].quantization = tensor.quantization;
    return moved;
  }
  return insert_reshape_before(graph, reader, operand, permuted(full, back), tensor.name + "/channels_last");
}

}  // namespace calib8
