#include "simplify/passes.h"
#include "simplify/rewrite.h"

// %x: [N, C, 1, 1] -> Reshape(to [N, C]) -> %y      =>      %x -> Flatten(axis=1) -> %y
// %x: [N, C, 1, 1] -> Squeeze(2, 3) -> %y           =>      %x -> Flatten(axis=1) -> %y
// %x: [N, C] -> Reshape(to [N, C]) -> ...           =>      %x -> ...
//
// A batch that an exporter wrote into the Reshape is gone then.

namespace calib8 {
namespace {

/// Product of all sizes behind the first; nothing where one is unknown.
std::optional<std::int64_t> features_of(const std::vector<Dimension>& shape) {
  Shape sizes;
  for (std::size_t i = 1; i < shape.size(); ++i) {
    if (!shape[i].is_known()) return std::nullopt;
    sizes.push_back(shape[i].size);
  }
  return element_count(sizes);
}

}  // namespace

bool rewrite_reshape_as_flatten(OnnxGraph& graph, OnnxNodeId id) {
  OnnxNode& node = graph[id];
  if (node.op_type != "Reshape" && node.op_type != "Squeeze" && node.op_type != "Flatten") return false;
  const auto& from = graph[node.inputs[0]].type;
  const auto& to = graph[node.outputs[0]].type;
  if (!from || !to || !from->shape || !to->shape || from->shape->size() < 2 || to->shape->size() != 2)
    return false;
  // With as many features, the batch is the same too (where there are any).
  const std::optional<std::int64_t> features = features_of(*from->shape);
  if (!features || *features == 0 || features != features_of(*to->shape)) return false;

  if (from->shape->size() == 2) {
    if (!replace_value(graph, node.outputs[0], node.inputs[0])) return false;
    graph.remove(id);
    return true;
  }
  if (node.op_type == "Flatten") return false;
  node.op_type = "Flatten";
  node.attributes = {{"axis", std::int64_t{1}}};
  graph.set_inputs_of(id, {node.inputs[0]});
  return true;
}

}  // namespace calib8
