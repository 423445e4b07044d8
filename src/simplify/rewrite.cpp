#include "simplify/rewrite.h"

#include <unordered_set>

namespace calib8 {

bool replace_value(OnnxGraph& graph, OnnxValueId old, OnnxValueId replacement) {
  if (graph.is_output(old)) {
    if (graph.is_input(replacement) || graph.is_output(replacement)) return false;
    std::swap(graph[old].name, graph[replacement].name);
  }
  graph.replace_uses(old, replacement);
  return true;
}

std::string free_name(const OnnxGraph& graph, std::string_view wanted) {
  bool is_free = true;  // as nearly always: then one comparison per value is enough
  for (std::size_t i = 0; i < graph.value_count() && is_free; ++i) {
    is_free = graph[graph.value_at(i)].name != wanted;
  }
  if (is_free) return std::string(wanted);
  std::unordered_set<std::string_view> taken;
  for (std::size_t i = 0; i < graph.value_count(); ++i) taken.insert(graph[graph.value_at(i)].name);
  std::string name(wanted);
  for (int number = 1; taken.contains(name); ++number)
    name = std::string(wanted) + "_" + std::to_string(number);
  return name;
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

}  // namespace calib8
