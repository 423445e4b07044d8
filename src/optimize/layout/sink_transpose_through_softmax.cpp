#include "optimize/layout/passes.h"
#include "optimize/layout/permutation.h"
#include "optimize/rewrite.h"

//   x -> TRANSPOSE(p) -> SOFTMAX -> y      =>      x -> SOFTMAX -> TRANSPOSE(p) -> y
//
// where p leaves the last dimension, over which SOFTMAX works, in its place.

namespace calib8 {

bool sink_transpose_through_softmax(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::Softmax>()) return false;
  const auto above = transpose_behind(graph, graph[id].inputs[0]);
  if (!above || graph[graph[id].outputs[0]].shape != graph[graph[id].inputs[0]].shape) return false;
  if (above->permutation.back() != static_cast<std::int32_t>(above->permutation.size()) - 1) return false;
  graph.set_input(id, 0, above->input);
  transpose_output_back(graph, id, 0, above->permutation);
  remove_if_unused(graph, above->id);
  return true;
}

}  // namespace calib8
