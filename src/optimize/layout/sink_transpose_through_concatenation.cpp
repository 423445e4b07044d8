#include <algorithm>

#include "optimize/layout/operand.h"
#include "optimize/layout/passes.h"
#include "optimize/rewrite.h"

//   a -> TRANSPOSE(p) -\                                      a -.
//   b -> TRANSPOSE(p) --CONCATENATION(axis i) -> y    =>      b --CONCATENATION(axis p[i]) -> TRANSPOSE(p) ->
//   y constant ----------/                                      transposed constant -/

namespace calib8 {

bool sink_transpose_through_concatenation(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::Concatenation>()) return false;
  const std::vector<TensorId> parts = graph[id].inputs;
  const auto transposed = std::find_if(
      parts.begin(), parts.end(), [&](TensorId part) { return transpose_behind(graph, part).has_value(); });
  if (transposed == parts.end()) return false;
  const Permutation permutation = transpose_behind(graph, *transposed)->permutation;
  const std::size_t rank = permutation.size();
  for (const TensorId part : parts) {
    if (graph[part].shape.size() != rank ||
        !has_form_before(graph, part, rank, permutation, OperandCost::free))
      return false;
  }

  auto* concatenation = graph[id].get_if<tflite::Concatenation>();
  const auto axis = normalized_axis(concatenation->axis, rank);
  if (!axis || graph[graph[id].outputs[0]].shape.size() != rank) return false;

  std::vector<TensorId> moved;
  for (const TensorId part : parts) moved.push_back(form_before(graph, id, part, rank, permutation));
  graph.set_inputs_of(id, moved);
  concatenation->axis = permutation[*axis];
  transpose_output_back(graph, id, 0, permutation);
  for (const TensorId part : parts) remove_if_unused(graph, graph.producer(part));
  return true;
}

}  // namespace calib8
