#include "ops/infer_node.h"

#include <algorithm>

#include "calib8/error.h"
#include "ops/onnx_op.h"

namespace calib8 {
namespace {

bool knows_its_inputs(const OnnxGraph& graph, const OnnxNode& node) {
  return std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](OnnxValueId input) { return !input.exists() || graph[input].type.has_value(); });
}

void check_size(const NodeView& view, const OnnxType& type) {
  if (type.shape && type.shape->size() > most_onnx_dimensions) {
    view.fail("its output would have " + std::to_string(type.shape->size()) + " dimensions");
  }
  if (type.is_static() && !element_count(type.static_shape())) {
    view.fail("its output would be too large: " + to_string(type.static_shape()));
  }
}

}  // namespace

bool infer_types(OnnxGraph& graph, OnnxNodeId id) {
  const OnnxNode& node = graph[id];
  const OnnxOp* op = find_onnx_op(node.op_type);
  if (!op || !op->infer || !knows_its_inputs(graph, node)) return false;
  const NodeView view{graph, node};
  const std::vector<OnnxType> types = op->infer(view);
  bool changed = false;
  for (std::size_t i = 0; i < std::min(types.size(), node.outputs.size()); ++i) {
    if (!node.outputs[i].exists()) continue;
    check_size(view, types[i]);
    OnnxValue& output = graph[node.outputs[i]];
    if (output.type == types[i]) continue;
    output.type = types[i];
    changed = true;
  }
  return changed;
}

}  // namespace calib8
