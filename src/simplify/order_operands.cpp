#include <algorithm>

#include "simplify/passes.h"

// Mul(%gate, %x)      =>      Mul(%x, %gate)       where %x is computed from fewer nodes in a row
// Add(%const, %x)     =>      Add(%x, %const)
//
// Sum and product don't care, but exporters differ.

namespace calib8 {

bool order_onnx_operands(OnnxGraph& graph) {
  bool changed = false;
  // Nodes on the longest way from an input to the value; constants come last.
  std::vector<std::uint32_t> depth(graph.value_count(), 0);
  const auto rank = [&](OnnxValueId value) {
    return graph[value].constant ? static_cast<std::uint32_t>(-1) : depth[value.index];
  };
  for (const OnnxNodeId id : graph.nodes()) {
    std::uint32_t deepest = 0;
    for (const OnnxValueId input : graph[id].inputs) {
      if (input.exists() && !graph[input].constant) deepest = std::max(deepest, depth[input.index]);
    }
    for (const OnnxValueId output : graph[id].outputs) {
      if (output.exists()) depth[output.index] = deepest + 1;
    }
    const OnnxNode& node = graph[id];
    if ((node.op_type != "Add" && node.op_type != "Mul") || node.inputs.size() != 2) continue;
    const OnnxValueId first = node.inputs[0], second = node.inputs[1];
    if (!first.exists() || !second.exists()) continue;
    if (rank(first) <= rank(second)) continue;
    graph.set_inputs_of(id, {second, first});
    changed = true;
  }
  return changed;
}

}  // namespace calib8
