#include <algorithm>

#include "simplify/passes.h"
#include "simplify/rewrite.h"

// %x -> Shape -> Gather(0) -> Unsqueeze -> Concat(., [-1]) -> Reshape(%x, .) -> %y
//   =>
// %x -> Reshape(%x, [0, -1]) -> %y           (0: as in the input)
//
// That is how exporters write x.view(x.size(0), -1) where the batch is open.

namespace calib8 {
namespace {

/// True where the value is the one-element vector (or number) that holds the first size of `tensor`.
bool is_batch_of(const OnnxGraph& graph, OnnxValueId value, OnnxValueId tensor) {
  for (int steps = 0; steps < 8; ++steps) {
    const OnnxNodeId producer = graph.producer(value);
    if (!producer.exists()) return false;
    const OnnxNode& node = graph[producer];
    const auto is_shape = [&](OnnxValueId candidate) {
      const OnnxNodeId shape = graph.producer(candidate);
      return shape.exists() && graph[shape].op_type == "Shape" && graph[shape].inputs[0] == tensor &&
             graph[shape].get_int("start", 0) == 0 && !graph[shape].has("end");
    };
    if (node.op_type == "Shape") {
      return node.inputs[0] == tensor && node.get_int("start", 0) == 0 && node.get_int("end", 0) == 1;
    }
    if (node.op_type == "Gather") {
      return scalar_input(graph, node, 1) == 0.0f && node.get_int("axis", 0) == 0 && is_shape(node.inputs[0]);
    }
    if (node.op_type == "Slice") {
      return scalar_input(graph, node, 1) == 0.0f && scalar_input(graph, node, 2) == 1.0f &&
             is_shape(node.inputs[0]);
    }
    if (node.op_type != "Unsqueeze" && node.op_type != "Squeeze" && node.op_type != "Reshape" &&
        node.op_type != "Cast") {
      return false;
    }
    value = node.inputs[0];
  }
  return false;
}

}  // namespace

bool rewrite_dynamic_reshape(OnnxGraph& graph, OnnxNodeId id) {
  OnnxNode& node = graph[id];
  if (node.op_type != "Reshape" || node.inputs.size() != 2 || node.get_int("allowzero", 0) != 0) return false;
  const OnnxNodeId concat = graph.producer(node.inputs[1]);
  if (!concat.exists() || graph[concat].op_type != "Concat") return false;
  const std::vector<OnnxValueId>& parts = graph[concat].inputs;
  if (parts.size() < 2 || !is_batch_of(graph, parts[0], node.inputs[0])) return false;
  std::vector<std::int64_t> sizes{0};
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const Tensor* part = graph.constant_input(graph[concat], i);
    if (!part || part->dtype != DType::int64) return false;
    const std::vector<std::int64_t> values = to_int64(*part);
    sizes.insert(sizes.end(), values.begin(), values.end());
  }
  const Shape shape{static_cast<std::int64_t>(sizes.size())};
  const std::string name = graph.free_name(graph[node.outputs[0]].name + ".shape");
  graph.set_input(id, 1, graph.add_constant(name, make_tensor(shape, std::move(sizes))));
  return true;
}

}  // namespace calib8
