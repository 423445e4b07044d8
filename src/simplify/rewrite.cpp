#include "simplify/rewrite.h"

#include <algorithm>

#include "pattern/match.h"

namespace calib8 {

bool replace_value(OnnxGraph& graph, OnnxValueId old, OnnxValueId replacement) {
  if (graph.is_output(old)) {
    if (graph.is_input(replacement) || graph.is_output(replacement)) return false;
    std::swap(graph[old].name, graph[replacement].name);
  }
  graph.replace_uses(old, replacement);
  return true;
}

std::optional<float> scalar_input(const OnnxGraph& graph, const OnnxNode& node, std::size_t position) {
  const Tensor* constant = graph.constant_input(node, position);
  if (!constant || constant->count() != 1) return std::nullopt;
  return to_float(*constant).front();
}

OnnxNodeId only_producer(const OnnxGraph& graph, const OnnxNode& node, std::size_t position,
                         std::string_view type) {
  if (position >= node.inputs.size() || !node.inputs[position].exists()) return {};
  const OnnxNodeId producer = graph.producer(node.inputs[position]);
  if (!producer.exists() || graph[producer].op_type != type || graph[producer].outputs.size() != 1) return {};
  return graph.has_single_use(node.inputs[position]) ? producer : OnnxNodeId{};
}

bool replace_match(OnnxGraph& graph, OnnxNodeId id, const Pattern& pattern, std::string_view op_type,
                   std::map<std::string, OnnxAttribute> attributes) {
  if (graph[id].outputs.size() != 1 || !graph[id].outputs[0].exists()) return false;
  const auto found = match(graph, graph[id].outputs[0], pattern);
  if (!found || !found->is_closed(graph)) return false;
  graph[id].op_type = op_type;
  graph[id].attributes = std::move(attributes);
  graph.set_inputs_of(id, {found->holes.at(0)});
  for (std::size_t i = 1; i < found->nodes.size(); ++i) graph.remove(found->nodes[i]);
  return true;
}

}  // namespace calib8
