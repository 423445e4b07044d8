#include "ops/tflite_op.h"
#include "optimize/layout/passes.h"
#include "optimize/layout/permutation.h"
#include "optimize/rewrite.h"

//   x -> TRANSPOSE(p) -> RELU -> y      =>      x -> RELU -> TRANSPOSE(p) -> y
//
// for every operator that treats each element by itself.

namespace calib8 {
namespace {

bool is_elementwise_unary(const TfliteOp& row) {
  return row.is_elementwise && row.inputs.most == 1;
}

bool is_quantized_per_axis(const TfliteTensor& tensor) {
  return tensor.quantization && tensor.quantization->scales.size() > 1;
}

}  // namespace

bool sink_transpose_through_unary(TfliteGraph& graph, OperatorId id) {
  if (!is_elementwise_unary(tflite_op(graph[id].options))) return false;
  const auto above = transpose_behind(graph, graph[id].inputs[0]);
  if (!above || graph[graph[id].outputs[0]].shape != graph[graph[id].inputs[0]].shape) return false;
  if (is_quantized_per_axis(graph[graph[id].inputs[0]]) || is_quantized_per_axis(graph[graph[id].outputs[0]]))
    return false;
  graph.set_input(id, 0, above->input);
  transpose_output_back(graph, id, 0, above->permutation);
  remove_if_unused(graph, above->id);
  return true;
}

}  // namespace calib8
