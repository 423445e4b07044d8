#include <algorithm>
#include <cmath>

#include "pattern/term.h"

namespace calib8 {
namespace {

using OnnxTerm = Term<OnnxValueId>;

OnnxTerm clip_of(const OnnxGraph& graph, const OnnxNode& node) {
  OnnxTerm term{PatternKind::clip, {{node.inputs[0]}}};
  for (std::size_t bound : {1, 2}) {
    if (bound >= node.inputs.size() || !node.inputs[bound].exists()) continue;
    const std::optional<double> number = number_of(graph, node.inputs[bound]);
    if (!number) return {};
    (bound == 1 ? term.lowest : term.highest) = *number;
  }
  return term;
}

bool is_standard_hard_sigmoid(const OnnxNode& node) {
  return std::abs(node.get_float("alpha", 0.2f) * 6 - 1) <= 1e-6f && node.get_float("beta", 0.5f) == 0.5f;
}

}  // namespace

std::optional<double> number_of(const OnnxGraph& graph, OnnxValueId value) {
  const auto& constant = graph[value].constant;
  if (!constant || !is_floating(constant->dtype) || constant->count() != 1) return std::nullopt;
  return to_float(*constant)[0];
}

OnnxTerm term_of(const OnnxGraph& graph, Expression<OnnxValueId> expression) {
  const OnnxNodeId id = graph.producer(expression.value);
  if (!id.exists()) return {};
  const OnnxNode& node = graph[id];
  const bool is_binary = node.inputs.size() == 2 && node.inputs[0].exists() && node.inputs[1].exists();
  if (is_binary && node.op_type == "Add") return {PatternKind::sum, {{node.inputs[0]}, {node.inputs[1]}}};
  if (is_binary && (node.op_type == "Mul" || node.op_type == "Div")) {
    return {PatternKind::product, {{node.inputs[0]}, {node.inputs[1]}}, node.op_type == "Div"};
  }
  if (node.inputs.empty() || !node.inputs[0].exists()) return {};
  if (node.op_type == "Clip") return clip_of(graph, node);
  if (node.op_type == "Relu") return {.kind = PatternKind::clip, .operands = {{node.inputs[0]}}, .lowest = 0};
  if (node.op_type == "Erf") return {PatternKind::erf, {{node.inputs[0]}}};
  if (node.op_type == "Tanh") return {PatternKind::tanh, {{node.inputs[0]}}};
  if (is_binary && node.op_type == "Pow" && number_of(graph, node.inputs[1]) == 3)
    return {PatternKind::cube, {{node.inputs[0]}}};
  if (node.op_type == "HardSigmoid" && is_standard_hard_sigmoid(node)) {
    return {PatternKind::hard_sigmoid, {{node.inputs[0]}}};
  }
  return {};
}

}  // namespace calib8
