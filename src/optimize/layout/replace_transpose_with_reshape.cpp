#include "optimize/layout/passes.h"
#include "optimize/layout/permutation.h"
#include "optimize/rewrite.h"

//   x [N,1,1,C] -> TRANSPOSE -> y [N,C,1,1]      =>      x -> RESHAPE -> y
//
// Only dimensions of size 1 move, so no byte does. After all other layout passes: as a TRANSPOSE it may still
// cancel.

namespace calib8 {

bool replace_transpose_with_reshape(TfliteGraph& graph, OperatorId id) {
  const auto transpose = as_transpose(graph, id);
  if (!transpose || !keeps_element_order(graph[transpose->input].shape, transpose->permutation)) return false;
  const TfliteTensor& result = graph[graph[id].outputs[0]];
  const TensorId reshaped = insert_reshape_before(graph, id, transpose->input, result.shape, result.name);
  replace_operator(graph, id, reshaped);
  return true;
}

}  // namespace calib8
