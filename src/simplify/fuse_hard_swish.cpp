#include <cmath>

#include "simplify/passes.h"
#include "simplify/rewrite.h"

// %x ---------------------------------> Mul -> %y      =>      %x -> HardSwish -> %y
//   \-> HardSigmoid(alpha=1/6, beta=1/2) /
//
// and, with the division at the end,
//
// %x -------------------------> Mul -> Div(6) -> %y      =>      %x -> HardSwish -> %y
//   \-> Add(3) -> Clip(0, 6) /

namespace calib8 {
namespace {

bool is_hard_sigmoid_of(const OnnxGraph& graph, OnnxNodeId id, OnnxValueId input) {
  const OnnxNode& node = graph[id];
  return node.inputs[0] == input && std::abs(node.get_float("alpha", 0.2f) * 6 - 1) <= 1e-6f &&
         node.get_float("beta", 0.5f) == 0.5f;
}

void become_hard_swish(OnnxGraph& graph, OnnxNodeId id, OnnxValueId input) {
  graph[id].op_type = "HardSwish";
  graph[id].attributes.clear();
  graph.set_inputs_of(id, {input});
}

bool fuse_multiplied(OnnxGraph& graph, OnnxNodeId id) {
  const OnnxNode& node = graph[id];
  for (std::size_t position = 0; position < 2; ++position) {
    const OnnxNodeId gate = only_producer(graph, node, position, "HardSigmoid");
    if (!gate.exists() || !is_hard_sigmoid_of(graph, gate, node.inputs[1 - position])) continue;
    become_hard_swish(graph, id, node.inputs[1 - position]);
    graph.remove(gate);
    return true;
  }
  return false;
}

/// `id` divides by 6.
bool fuse_divided(OnnxGraph& graph, OnnxNodeId id, std::size_t dividend) {
  const OnnxNodeId product = only_producer(graph, graph[id], dividend, "Mul");
  if (!product.exists() || graph[product].inputs.size() != 2) return false;
  for (std::size_t position = 0; position < 2; ++position) {
    const OnnxNodeId clip = only_producer(graph, graph[product], position, "Clip");
    if (!clip.exists()) continue;
    if (scalar_input(graph, graph[clip], 1) != 0.0f || scalar_input(graph, graph[clip], 2) != 6.0f) continue;
    const OnnxNodeId add = only_producer(graph, graph[clip], 0, "Add");
    if (!add.exists() || graph[add].inputs.size() != 2) continue;
    const std::size_t three = scalar_input(graph, graph[add], 0) ? 0 : 1;
    const OnnxValueId input = graph[product].inputs[1 - position];
    if (scalar_input(graph, graph[add], three) != 3.0f || graph[add].inputs[1 - three] != input) continue;
    become_hard_swish(graph, id, input);
    graph.remove(product);
    graph.remove(clip);
    graph.remove(add);
    return true;
  }
  return false;
}

}  // namespace

bool fuse_hard_swish(OnnxGraph& graph, OnnxNodeId id) {
  const OnnxNode& node = graph[id];
  if (node.inputs.size() != 2) return false;
  if (node.op_type == "Mul" && fuse_multiplied(graph, id)) return true;
  if (node.op_type != "Div" && node.op_type != "Mul") return false;
  const std::size_t scalar = node.op_type == "Mul" && scalar_input(graph, node, 0) ? 0 : 1;
  const std::optional<float> number = scalar_input(graph, node, scalar);
  if (!number || std::abs((node.op_type == "Div" ? *number / 6 : *number * 6) - 1) > 1e-6f) return false;
  return fuse_divided(graph, id, 1 - scalar);
}

}  // namespace calib8
