#include "optimize/layout/passes.h"
#include "optimize/layout/permutation.h"
#include "optimize/rewrite.h"

//   constant -> TRANSPOSE(p) -> y      =>      the transposed constant

namespace calib8 {

bool fold_transpose_of_constant(TfliteGraph& graph, OperatorId id) {
  const auto transpose = as_transpose(graph, id);
  if (!transpose || !graph.is_constant(transpose->input)) return false;
  if (graph.is_output(graph[id].outputs[0])) return false;  // an operator must write it
  const TfliteTensor& constant = graph[transpose->input];
  if (constant.quantization && constant.quantization->scales.size() > 1)
    return false;  // The axis would move.
  const TensorId moved =
      graph.add_constant(constant.name, permuted(constant.as_tensor(), transpose->permutation));
  graph[moved].quantization = constant.quantization;
  replace_operator(graph, id, moved);
  return true;
}

}  // namespace calib8
