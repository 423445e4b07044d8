#include <algorithm>

#include "calib8/error.h"
#include "ops/onnx_op.h"
#include "simplify/passes.h"

// image: float32[1, 3, 224, 224]        image: float32[1, 3, 224, 224]
//   Conv -> features: ?           =>      Conv -> features: float32[1, 32, 112, 112]
//   Relu -> active: ?                     Relu -> active: float32[1, 32, 112, 112]

namespace calib8 {
namespace {

bool knows_its_inputs(const OnnxGraph& graph, const OnnxNode& node) {
  return std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](OnnxValueId input) { return !input.exists() || graph[input].type.has_value(); });
}

}  // namespace

bool infer_shapes(OnnxGraph& graph) {
  bool changed = false;
  for (const OnnxNodeId id : graph.nodes()) {
    const OnnxNode& node = graph[id];
    const OnnxOp* op = find_onnx_op(node.op_type);
    if (!op || !op->infer || !knows_its_inputs(graph, node)) continue;
    const NodeView view{graph, node};
    const std::vector<OnnxType> types = op->infer(view);
    for (std::size_t i = 0; i < std::min(types.size(), node.outputs.size()); ++i) {
      if (!node.outputs[i].exists()) continue;
      if (types[i].is_static() && !element_count(types[i].static_shape())) {
        view.fail("its output would be too large: " + to_string(types[i].static_shape()));
      }
      OnnxValue& output = graph[node.outputs[i]];
      if (output.type == types[i]) continue;
      output.type = types[i];
      changed = true;
    }
  }
  return changed;
}

}  // namespace calib8
