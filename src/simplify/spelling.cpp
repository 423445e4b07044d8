#include "simplify/spelling.h"

#include "simplify/rewrite.h"

namespace calib8 {

void spell_for_onnx_runtime(OnnxGraph& graph) {
  OnnxValueId axes;  // one constant for all
  for (const OnnxNodeId id : graph.nodes()) {
    OnnxNode& node = graph[id];
    if (node.op_type != "GlobalAveragePool") continue;
    const auto& type = graph[node.inputs[0]].type;
    if (!type || !type->shape || type->shape->size() != 4) continue;
    if (!axes.exists())
      axes = graph.add_constant(graph.free_name("spatial_axes"), make_tensor<std::int64_t>({2}, {2, 3}));
    node.op_type = "ReduceMean";
    graph.set_inputs_of(id, {node.inputs[0], axes});
  }
}

}  // namespace calib8
