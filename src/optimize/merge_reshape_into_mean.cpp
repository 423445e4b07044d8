#include <algorithm>

#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> MEAN(axes 1, 2; keep_dims) -> [N,1,1,C] -> RESHAPE -> [N,C]      =>      x -> MEAN(axes 1, 2) ->
//   [N,C]

namespace calib8 {

bool merge_reshape_into_mean(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::Reshape>()) return false;
  const TensorId kept = graph[id].inputs[0], result = graph[id].outputs[0];
  const OperatorId mean = graph.producer(kept);
  if (!mean.exists() || !graph[mean].is<tflite::Mean>() || !graph.has_single_use(kept)) return false;
  auto& reducer = *graph[mean].get_if<tflite::Mean>();
  const TensorId axes = graph[mean].inputs[1];
  const Shape& shape = graph[kept].shape;
  const auto reduced_axes = axes_of(graph, axes, shape.size());
  if (!reducer.keep_dims || !reduced_axes) return false;

  std::vector<bool> reduced(shape.size(), false);
  for (const std::size_t axis : *reduced_axes) reduced[axis] = true;
  Shape without;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!reduced[i]) without.push_back(shape[i]);
  }
  if (without != graph[result].shape) return false;
  reducer.keep_dims = false;
  graph.remove(id);
  graph.set_output(mean, 0, result);
  return true;
}

}  // namespace calib8
