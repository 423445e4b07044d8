#include <cmath>

#include "simplify/passes.h"
#include "simplify/rewrite.h"

// %x -> Add(3) -> Clip(0, 6) -> Div(6) -> %y      =>      %x -> HardSigmoid(alpha=1/6, beta=1/2) -> %y
//
// Mul(1/6) does as well as Div(6).

namespace calib8 {

bool fuse_hard_sigmoid(OnnxGraph& graph, OnnxNodeId id) {
  OnnxNode& node = graph[id];
  if ((node.op_type != "Div" && node.op_type != "Mul") || node.inputs.size() != 2) return false;
  const std::size_t scalar = node.op_type == "Mul" && scalar_input(graph, node, 0) ? 0 : 1;
  const std::optional<float> number = scalar_input(graph, node, scalar);
  if (!number || std::abs((node.op_type == "Div" ? *number / 6 : *number * 6) - 1) > 1e-6f) return false;
  const OnnxNodeId clip = only_producer(graph, node, 1 - scalar, "Clip");
  if (!clip.exists() || scalar_input(graph, graph[clip], 1) != 0.0f ||
      scalar_input(graph, graph[clip], 2) != 6.0f) {
    return false;
  }
  const OnnxNodeId add = only_producer(graph, graph[clip], 0, "Add");
  if (!add.exists() || graph[add].inputs.size() != 2) return false;
  const std::size_t three = scalar_input(graph, graph[add], 0) ? 0 : 1;
  if (scalar_input(graph, graph[add], three) != 3.0f) return false;

  const OnnxValueId input = graph[add].inputs[1 - three];
  node.op_type = "HardSigmoid";
  node.attributes = {{"alpha", 1.0f / 6.0f}, {"beta", 0.5f}};
  graph.set_inputs_of(id, {input});
  graph.remove(clip);
  graph.remove(add);
  return true;
}

}  // namespace calib8
