#include <limits>

#include "simplify/passes.h"
#include "simplify/rewrite.h"

// %x -> Clip(min=0) -> %y      =>      %x -> Relu -> %y

namespace calib8 {

bool rewrite_clip_as_relu(OnnxGraph& graph, OnnxNodeId id) {
  OnnxNode& node = graph[id];
  if (node.op_type != "Clip" || scalar_input(graph, node, 1) != 0.0f) return false;
  if (node.inputs.size() > 2 && node.inputs[2].exists()) {
    const std::optional<float> largest = scalar_input(graph, node, 2);
    if (!largest || *largest < std::numeric_limits<float>::max()) return false;
  }
  node.op_type = "Relu";
  graph.set_inputs_of(id, {node.inputs[0]});
  return true;
}

}  // namespace calib8
