#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> BATCH_MATMUL(x, x) -> y      =>      x -> RESHAPE -> copy,  BATCH_MATMUL(x, copy) -> y
//
// XNNPACK takes a TRANSPOSE in front of a matrix product into the product; where both factors are its result
// it computes something else (LiteRT 2.3.0, in float32 too).

namespace calib8 {

bool separate_factors(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::BatchMatMul>()) return false;
  const TensorId factor = graph[id].inputs[0];
  if (graph[id].inputs[1] != factor || graph.is_constant(factor)) return false;
  const TensorId copy =
      insert_reshape_before(graph, id, factor, graph[factor].shape, graph[factor].name + "/copy");
  graph.set_input(id, 1, copy);
  return true;
}

}  // namespace calib8
