#include "optimize/layout/passes.h"
#include "optimize/layout/permutation.h"
#include "optimize/rewrite.h"

//   x -> TRANSPOSE(p) -> SLICE(begin, size) -> y      =>      x -> SLICE(in x's order) -> TRANSPOSE(p) -> y
//
// STRIDED_SLICE likewise, as long as it neither adds nor drops dimensions.

namespace calib8 {
namespace {

bool has_constant_parameters(const TfliteGraph& graph, OperatorId id, std::size_t rank) {
  const std::vector<TensorId>& inputs = graph[id].inputs;
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (!integers_of(graph, inputs[i], rank)) return false;
  }
  return graph[graph[id].outputs[0]].shape.size() == rank;
}

/// Bit i says something about dimension i; afterwards about the same dimension before the permutation.
std::int32_t moved_mask(std::int32_t mask, const Permutation& permutation) {
  std::int32_t moved = 0;
  for (std::size_t i = 0; i < permutation.size(); ++i) {
    if (mask & (1 << i)) moved |= 1 << permutation[i];
  }
  return moved;
}

TensorId moved_parameter(TfliteGraph& graph, TensorId parameter, const Permutation& permutation) {
  const std::vector<std::int64_t> old = graph.constant_integers(parameter);
  std::vector<std::int32_t> moved(old.size());
  for (std::size_t i = 0; i < old.size(); ++i) moved[permutation[i]] = static_cast<std::int32_t>(old[i]);
  return graph.add_constant(graph[parameter].name, moved);
}

}  // namespace

bool sink_transpose_through_slice(TfliteGraph& graph, OperatorId id) {
  auto* strided = graph[id].get_if<tflite::StridedSlice>();
  if (!strided && !graph[id].is<tflite::Slice>()) return false;
  if (strided && (strided->ellipsis_mask || strided->new_axis_mask || strided->shrink_axis_mask))
    return false;
  const auto above = transpose_behind(graph, graph[id].inputs[0]);
  if (!above || !has_constant_parameters(graph, id, above->permutation.size())) return false;

  std::vector<TensorId> inputs = graph[id].inputs;
  inputs[0] = above->input;
  for (std::size_t i = 1; i < inputs.size(); ++i)
    inputs[i] = moved_parameter(graph, inputs[i], above->permutation);
  if (strided) {
    strided->begin_mask = moved_mask(strided->begin_mask, above->permutation);
    strided->end_mask = moved_mask(strided->end_mask, above->permutation);
  }
  graph.set_inputs_of(id, inputs);
  transpose_output_back(graph, id, 0, above->permutation);
  remove_if_unused(graph, above->id);
  return true;
}

}  // namespace calib8
