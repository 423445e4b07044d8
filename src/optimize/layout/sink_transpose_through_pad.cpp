#include "optimize/layout/passes.h"
#include "optimize/layout/permutation.h"
#include "optimize/rewrite.h"

//   x -> TRANSPOSE(p) -> PAD(paddings) -> y      =>      x -> PAD(paddings in x's order) -> TRANSPOSE(p) -> y
//
// PADV2 likewise.

namespace calib8 {

bool sink_transpose_through_pad(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::Pad>() && !graph[id].is<tflite::PadV2>()) return false;
  const TensorId paddings = graph[id].inputs[1];
  const auto above = transpose_behind(graph, graph[id].inputs[0]);
  if (!above || graph[graph[id].outputs[0]].shape.size() != above->permutation.size()) return false;
  const auto old = integers_of(graph, paddings, 2 * above->permutation.size());
  if (!old) return false;

  std::vector<std::int32_t> moved(old->size());
  for (std::size_t i = 0; i < above->permutation.size(); ++i) {
    const std::size_t to = static_cast<std::size_t>(above->permutation[i]);
    moved[2 * to] = static_cast<std::int32_t>((*old)[2 * i]);
    moved[2 * to + 1] = static_cast<std::int32_t>((*old)[2 * i + 1]);
  }
  graph.set_input(id, 0, above->input);
  graph.set_input(id, 1, graph.add_constant(graph[paddings].name, make_tensor(graph[paddings].shape, moved)));
  transpose_output_back(graph, id, 0, above->permutation);
  remove_if_unused(graph, above->id);
  return true;
}

}  // namespace calib8
