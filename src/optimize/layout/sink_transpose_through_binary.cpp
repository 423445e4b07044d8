#include "ops/tflite_op.h"
#include "optimize/layout/operand.h"
#include "optimize/layout/passes.h"
#include "optimize/rewrite.h"

//   a -> TRANSPOSE(p) -\                         a -.
//                       ADD -> y      =>             ADD -> TRANSPOSE(p) -> y
//   b -> TRANSPOSE(p) -/                         b -/
//
// The other operand may also be a constant, which is then transposed in place: a bias [C, 1, 1] beside NCHW
// becomes [1, 1, 1, C].
//
// reshape_operand_to_sink_transpose comes later and spends a RESHAPE on an operand like [N, C, 1, 1] that has
// no TRANSPOSE of its own; too early it would hide one that is still on its way down.

namespace calib8 {
namespace {

bool is_elementwise_binary(const TfliteOp& row) {
  return row.is_elementwise && row.inputs.most == 2;
}

bool sink(TfliteGraph& graph, OperatorId id, OperandCost cost) {
  if (!is_elementwise_binary(tflite_op(graph[id].options))) return false;
  const std::size_t rank = graph[graph[id].outputs[0]].shape.size();
  for (std::size_t side = 0; side < 2; ++side) {
    const TensorId operand = graph[id].inputs[side], other = graph[id].inputs[1 - side];
    const auto above = transpose_behind(graph, operand);
    if (!above || !has_form_before(graph, other, rank, above->permutation, cost)) continue;
    const TensorId moved = form_before(graph, id, other, rank, above->permutation);
    const OperatorId other_producer = graph.producer(other);
    graph.set_input(id, side, above->input);
    graph.set_input(id, 1 - side, moved);
    transpose_output_back(graph, id, 0, above->permutation);
    remove_if_unused(graph, above->id);
    remove_if_unused(graph, other_producer);
    return true;
  }
  return false;
}

}  // namespace

bool sink_transpose_through_binary(TfliteGraph& graph, OperatorId id) {
  return sink(graph, id, OperandCost::free);
}

bool reshape_operand_to_sink_transpose(TfliteGraph& graph, OperatorId id) {
  return sink(graph, id, OperandCost::reshape);
}

}  // namespace calib8
