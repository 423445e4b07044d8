#include "onnx_graph/data_type.h"
#include "simplify/passes.h"

// %x, %like: float32 -> CastLike -> %y      =>      %x -> Cast(to=float32) -> %y

namespace calib8 {

bool rewrite_cast_like(OnnxGraph& graph, OnnxNodeId id) {
  OnnxNode& node = graph[id];
  if (node.op_type != "CastLike" || node.inputs.size() != 2 || !node.inputs[1].exists()) return false;
  const auto& type = graph[node.inputs[1]].type;
  if (!type) return false;
  node.op_type = "Cast";
  node.attributes = {{"to", onnx_data_type(type->dtype)}};
  graph.set_inputs_of(id, {node.inputs[0]});
  return true;
}

}  // namespace calib8
