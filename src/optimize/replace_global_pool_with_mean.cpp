#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x [N,H,W,C] -> AVERAGE_POOL_2D(filter H x W, VALID) -> [N,1,1,C]      =>      x -> MEAN(axes 1, 2;
//   keep_dims)
//
// The same sum; MEAN is the form that XNNPACK runs in int8 (docs/tflite-int8.md, section D).

namespace calib8 {

bool replace_global_pool_with_mean(TfliteGraph& graph, OperatorId id) {
  const auto* pool = graph[id].get_if<tflite::AveragePool2D>();
  if (!pool || pool->activation != tflite::Activation::none) return false;
  const Shape& shape = graph[graph[id].inputs[0]].shape;
  if (pool->filter_height != shape[1] || pool->filter_width != shape[2] ||
      pool->padding != tflite::Padding::valid)
    return false;
  const TfliteTensor& output = graph[graph[id].outputs[0]];
  const TensorId axes = graph.add_constant(output.name + "/axes", {1, 2});
  tflite::Mean mean;
  mean.keep_dims = true;
  replace_operator(graph, id,
                   emit_before(graph, id, mean, {graph[id].inputs[0], axes}, output.name, output.shape));
  return true;
}

}  // namespace calib8
