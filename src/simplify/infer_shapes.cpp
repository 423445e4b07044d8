#include "base/interrupt.h"
#include "calib8/error.h"
#include "ops/infer_node.h"
#include "ops/onnx_op.h"
#include "simplify/passes.h"

// image: float32[1, 3, 224, 224]        image: float32[1, 3, 224, 224]
//   Conv -> features: ?           =>      Conv -> features: float32[1, 32, 112, 112]
//   Relu -> active: ?                     Relu -> active: float32[1, 32, 112, 112]
//
// In execution order, and what is constant is folded on the way: the sizes behind a Reshape to a computed
// shape are known only when that shape is folded, so a chain of them is done in one sweep.

namespace calib8 {

bool infer_shapes(OnnxGraph& graph) {
  bool changed = false;
  for (const OnnxNodeId id : graph.nodes()) changed |= infer_types(graph, id);
  return changed;
}

namespace {

/// What a reader leaves in branches: it matters in those that are taken.
void refuse_unknown_operators(const OnnxGraph& graph) {
  for (const OnnxNodeId id : graph.nodes()) {
    if (!find_onnx_op(graph[id].op_type))
      throw Error(ErrorCode::model,
                  graph[id].op_type + " '" + graph[id].name +
                      "': the operator isn't supported, and the branch that it stands in is taken");
  }
}

}  // namespace

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
  if (has_branches) refuse_unknown_operators(graph);
  return changed;
}

}  // namespace calib8
