#include <algorithm>

#include "base/interrupt.h"
#include "calib8/error.h"
#include "ops/onnx_op.h"
#include "simplify/passes.h"

// image: float32[1, 3, 224, 224]        image: float32[1, 3, 224, 224]
//   Conv -> features: ?           =>      Conv -> features: float32[1, 32, 112, 112]
//   Relu -> active: ?                     Relu -> active: float32[1, 32, 112, 112]
//
// In execution order, and what is constant is folded on the way: the sizes behind a Reshape to a computed
// shape are known only when that shape is folded, so a chain of them is done in one sweep.

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

bool infer_shapes(OnnxGraph& graph) {
  bool changed = false;
  for (const OnnxNodeId id : graph.nodes()) changed |= infer_types(graph, id);
  return changed;
}

bool infer_and_fold(OnnxGraph& graph) {
  bool changed = false, has_branches = false;
  for (const OnnxNodeId id : graph.nodes()) {
    if (!graph.is_alive(id) || graph[id].op_type != "If") continue;
    has_branches = true;
    const OnnxValueId condition = graph[id].inputs[0];
    if (!graph.producer(condition).exists()) take_branches(graph, condition);
  }
  for (const OnnxNodeId id : graph.nodes()) {
    throw_if_interrupted();
    if (!graph.is_alive(id)) continue;  // of a branch that isn't taken
    std::vector<OnnxValueId> known;     // from here on, if ever
    if (has_branches) {
      known = graph[id].outputs;
      // Who reads what it gives reads what a branch gives from now on.
      if (graph[id].op_type == "If")
        known.insert(known.end(), graph[id].inputs.begin(), graph[id].inputs.end());
    }
    changed |= infer_types(graph, id);
    changed |= rewrite_cast_like(graph, id);
    changed |= fold_shape(graph, id) || fold_constants(graph, id) || replace_with_branch(graph, id);
    for (const OnnxValueId value : known) {
      if (value.exists()) take_branches(graph, value);
    }
  }
  return changed;
}

}  // namespace calib8
