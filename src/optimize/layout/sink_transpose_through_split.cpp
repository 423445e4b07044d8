#include "optimize/layout/passes.h"
#include "optimize/layout/permutation.h"
#include "optimize/rewrite.h"

//                               /-> y1                                      /-> TRANSPOSE(p) -> y1
//   x -> TRANSPOSE(p) -> SPLIT(axis i)      =>      x -> SPLIT(axis p[i])
//                               \-> y2                                      \-> TRANSPOSE(p) -> y2

namespace calib8 {

bool sink_transpose_through_split(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::Split>()) return false;
  const TensorId axis = graph[id].inputs[0];
  const auto above = transpose_behind(graph, graph[id].inputs[1]);
  const auto old = above ? axes_of(graph, axis, above->permutation.size()) : std::nullopt;
  if (!old || old->size() != 1) return false;
  for (const TensorId output : graph[id].outputs) {
    if (graph[output].shape.size() != above->permutation.size()) return false;
  }

  const std::vector<std::int32_t> moved{above->permutation[old->front()]};
  graph.set_inputs_of(
      id, {graph.add_constant(graph[axis].name, make_tensor(graph[axis].shape, moved)), above->input});
  for (std::size_t i = 0; i < graph[id].outputs.size(); ++i)
    transpose_output_back(graph, id, i, above->permutation);
  remove_if_unused(graph, above->id);
  return true;
}

}  // namespace calib8
