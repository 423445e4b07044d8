#include "simplify/linear_layer.h"
#include "simplify/passes.h"

// %x -> Conv(w) -> %y      =>      %x -> Conv(w, 0) -> %y
//
// One exporter writes a bias of zeros and the other leaves it out; TFLite's integer kernels want one.

namespace calib8 {

bool add_zero_bias(OnnxGraph& graph, OnnxNodeId id) {
  const OnnxNode& node = graph[id];
  if (!is_linear_layer(graph, id) || (node.inputs.size() > 2 && node.inputs[2].exists())) return false;
  add_bias(graph, id, std::vector<float>(output_channels(graph, id), 0.0f));
  return true;
}

}  // namespace calib8
