#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "optimize/passes.h"
#include "optimize/rewrite.h"
#include "optimize/structure.h"

//   x -> LOGISTIC -> a                  x -> LOGISTIC -> a = b
//   x -> LOGISTIC -> b           =>
//
// Operators with equal options that read the same tensors, or equal constants, become one.

namespace calib8 {
namespace {

std::string key_of(const TfliteGraph& graph, const TfliteOperator& op) {
  std::string key = signature_of(op.options);
  for (const TensorId input : op.inputs) {
    key += ' ';
    if (!input.exists()) continue;
    key += graph.is_constant(input) ? content_of(graph[input]) : fmt::format("#{}", input.index);
  }
  return key;
}

/// Of operators over the same tensors whose large constants have one shape: beyond these a file isn't
/// searched for equal ones, so that the time doesn't grow with the square of their number.
constexpr std::size_t most_candidates = 16;

/// Of two operators with equal keys.
bool have_equal_constants(const TfliteGraph& graph, const TfliteOperator& a, const TfliteOperator& b) {
  for (std::size_t i = 0; i < a.inputs.size(); ++i) {
    if (!a.inputs[i].exists() || !graph.is_constant(a.inputs[i])) continue;
    if (!have_equal_content(graph[a.inputs[i]], graph[b.inputs[i]])) return false;
  }
  return true;
}

bool writes_an_output(const TfliteGraph& graph, const TfliteOperator& op) {
  return std::any_of(op.outputs.begin(), op.outputs.end(),
                     [&](TensorId output) { return graph.is_output(output); });
}

}  // namespace

bool merge_equal_operators(TfliteGraph& graph) {
  bool changed = false;
  std::unordered_map<std::string, std::vector<OperatorId>> known;  // several where large constants differ
  for (const OperatorId id : graph.nodes()) {
    std::vector<OperatorId>& candidates = known[key_of(graph, graph[id])];
    const auto first = std::find_if(candidates.begin(), candidates.end(), [&](OperatorId candidate) {
      return have_equal_constants(graph, graph[candidate], graph[id]);
    });
    if (first == candidates.end()) {
      if (candidates.size() < most_candidates) candidates.push_back(id);
      continue;
    }
    if (writes_an_output(graph, graph[id])) continue;
    const std::vector<TensorId>& outputs = graph[*first].outputs;
    const bool alike = std::equal(outputs.begin(), outputs.end(), graph[id].outputs.begin(),
                                  graph[id].outputs.end(), [&](TensorId a, TensorId b) {
                                    return graph[a].dtype == graph[b].dtype &&
                                           graph[a].quantization == graph[b].quantization;
                                  });
    if (!alike) continue;
    for (std::size_t i = 0; i < outputs.size(); ++i) graph.replace_uses(graph[id].outputs[i], outputs[i]);
    graph.remove(id);
    changed = true;
  }
  return changed;
}

}  // namespace calib8
