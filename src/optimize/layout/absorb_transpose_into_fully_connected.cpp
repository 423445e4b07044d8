#include "optimize/layout/passes.h"
#include "optimize/layout/permutation.h"
#include "optimize/rewrite.h"

//   x [N,H,W,C] -> TRANSPOSE -> [N,C,H,W] -> RESHAPE [N,CHW] -> FULLY_CONNECTED(weights [O,CHW])
//   =>
//   x [N,H,W,C] -> RESHAPE [N,HWC] -> FULLY_CONNECTED(weights' columns in the order H, W, C)
//
// The classifier of AlexNet and VGG: what a Flatten before a Linear needs.

namespace calib8 {

bool absorb_transpose_into_fully_connected(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::FullyConnected>()) return false;
  const TensorId flat = graph[id].inputs[0], weights = graph[id].inputs[1];
  const OperatorId reshape = graph.producer(flat);
  if (!reshape.exists() || !graph[reshape].is<tflite::Reshape>()) return false;
  const auto above = transpose_behind(graph, graph[reshape].inputs[0]);
  if (!above || above->permutation[0] != 0) return false;
  if (transpose_behind(graph, above->input)) return false;  // The two may yet cancel, at no cost.

  const Shape& transposed = graph[graph[reshape].inputs[0]].shape;  // The batch, then what is flattened.
  const TfliteTensor& old = graph[weights];
  const bool flattens = graph[flat].shape.size() == 2 && graph[flat].shape[0] == transposed[0];
  if (!flattens || !old.is_constant() || old.quantization || old.shape.size() != 2) return false;

  // The columns, unfolded into the flattened dimensions; the rows take the place of the batch.
  Shape unfolded = transposed;
  unfolded[0] = old.shape[0];
  if (element_count(unfolded) != element_count(old.shape)) return false;
  Tensor moved = permuted(Tensor{old.dtype, unfolded, old.constant.value()}, inverse(above->permutation));
  moved.shape = old.shape;
  const TensorId fresh = insert_reshape_before(graph, id, above->input, graph[flat].shape, graph[flat].name);
  graph[fresh].quantization = graph[flat].quantization;
  graph.set_input(id, 0, fresh);
  graph.set_input(id, 1, graph.add_constant(old.name, std::move(moved)));
  remove_if_unused(graph, reshape);
  return true;
}

}  // namespace calib8
