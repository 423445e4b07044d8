#include <algorithm>

#include "simplify/passes.h"

// %x -> Relu -> %y (output)            %x -> Relu -> %y (output)
//    \-> Sigmoid -> %unused      =>
// %w: const, read by nobody            (%w's bytes are given back)

namespace calib8 {

bool eliminate_dead_code(OnnxGraph& graph) {
  bool changed = false;
  std::vector<bool> is_output(graph.value_count(), false);
  for (const OnnxValueId output : graph.outputs()) is_output[output.index] = true;
  const auto is_dead = [&](OnnxValueId value) {
    return !value.exists() || (graph.users(value).empty() && !is_output[value.index]);
  };

  std::vector<OnnxNodeId> nodes = graph.nodes();
  std::reverse(nodes.begin(), nodes.end());  // users before what they use
  for (const OnnxNodeId id : nodes) {
    const auto& outputs = graph[id].outputs;
    if (!std::all_of(outputs.begin(), outputs.end(), is_dead)) continue;
    graph.remove(id);
    changed = true;
  }
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    const OnnxValueId id = graph.value_at(i);
    if (graph[id].constant && is_dead(id)) graph[id].constant.reset();
  }
  return changed;
}

}  // namespace calib8
