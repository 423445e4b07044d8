#include "simplify/passes.h"
#include "simplify/rewrite.h"

// %x -> Identity -> %y -> Relu      =>      %x -> Relu
// %x -> Dropout -> %y -> Gemm       =>      %x -> Gemm      (inference: nothing is dropped)
// %x -> Cast(to its own type) ...   =>      %x -> ...

namespace calib8 {
namespace {

bool is_unused(const OnnxGraph& graph, const OnnxNode& node, std::size_t output) {
  return output >= node.outputs.size() || !node.outputs[output].exists() ||
         (graph.users(node.outputs[output]).empty() && !graph.is_output(node.outputs[output]));
}

bool keeps_its_input(const OnnxGraph& graph, const OnnxNode& node) {
  if (node.op_type == "Identity") return true;
  if (node.op_type == "Dropout") return is_unused(graph, node, 1);
  if (node.op_type == "Cast") {
    // Both types are known by shape inference; `to` itself is ONNX's number of the type.
    const auto& input = graph[node.inputs[0]].type;
    const auto& output = graph[node.outputs[0]].type;
    return input && output && input->dtype == output->dtype;
  }
  return false;
}

}  // namespace

bool eliminate_identity(OnnxGraph& graph, OnnxNodeId id) {
  const OnnxNode& node = graph[id];
  if (node.inputs.empty() || node.outputs.empty() || !node.inputs[0].exists() || !node.outputs[0].exists()) {
    return false;
  }
  if (!keeps_its_input(graph, node) || !replace_value(graph, node.outputs[0], node.inputs[0])) return false;
  graph.remove(id);
  return true;
}

}  // namespace calib8
