#include <algorithm>
#include <type_traits>

#include "optimize/layout/passes.h"
#include "optimize/layout/permutation.h"
#include "optimize/rewrite.h"

//   x -> TRANSPOSE(p) -> MEAN(axes 2, 3) -> y      =>      x -> MEAN(axes 1, 2) -> TRANSPOSE(p) -> y
//
// Without keep_dims the TRANSPOSE behind it has only the dimensions that remain, and often nothing left to
// do.

namespace calib8 {
namespace {

const tflite::Reducer* as_reducer(const tflite::Options& options) {
  return std::visit(
      [](const auto& op) -> const tflite::Reducer* {
        if constexpr (std::is_base_of_v<tflite::Reducer, std::decay_t<decltype(op)>>) {
          return &op;
        } else {
          return nullptr;
        }
      },
      options);
}

/// `permutation` without the dimensions in `removed` (numbered before the permutation), renumbered.
Permutation without(const Permutation& permutation, const std::vector<std::int32_t>& removed) {
  Permutation result;
  for (const std::int32_t axis : permutation) {
    if (std::find(removed.begin(), removed.end(), axis) != removed.end()) continue;
    const auto gone = std::count_if(removed.begin(), removed.end(), [&](std::int32_t r) { return r < axis; });
    result.push_back(axis - static_cast<std::int32_t>(gone));
  }
  return result;
}

}  // namespace

bool sink_transpose_through_reduction(TfliteGraph& graph, OperatorId id) {
  const tflite::Reducer* reducer = as_reducer(graph[id].options);
  if (!reducer) return false;
  const TensorId axes = graph[id].inputs[1];
  const auto above = transpose_behind(graph, graph[id].inputs[0]);
  const auto reduced = above ? axes_of(graph, axes, above->permutation.size()) : std::nullopt;
  if (!reduced) return false;

  std::vector<std::int32_t> moved;
  for (const std::size_t axis : *reduced) moved.push_back(above->permutation[axis]);
  std::sort(moved.begin(), moved.end());
  moved.erase(std::unique(moved.begin(), moved.end()), moved.end());

  const Permutation below = reducer->keep_dims ? above->permutation : without(above->permutation, moved);
  if (graph[graph[id].outputs[0]].shape.size() != below.size()) return false;
  graph.set_input(id, 0, above->input);
  graph.set_input(id, 1, graph.add_constant(graph[axes].name, moved));
  transpose_output_back(graph, id, 0, below);
  remove_if_unused(graph, above->id);
  return true;
}

}  // namespace calib8
