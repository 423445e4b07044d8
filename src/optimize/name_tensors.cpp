#include <algorithm>
#include <ranges>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "optimize/convolution.h"
#include "optimize/passes.h"

// name_weights, while every operator still has the name of the module that it was:
//
//   CONV_2D(x, "onnx::Conv_650", "onnx::Conv_651") -> "features.0.0"      =>      "features.0.0.weight",
//   ".bias"
//
// Exporters make such numbers up where they fold a BatchNorm away.
//
// name_tensors, at the end:
//
//   LOGISTIC -> "features.0.2", MUL -> "features.0.2"      =>      "features.0.2/logistic", "features.0.2"
//
// Every tensor a name of its own, which readers of the file count on. Of several operators that one module
// became, the last one's result is the module's; those before it get their operator's name behind. Constants
// come after results; what has no name of the model's is named after the operator that uses it.

namespace calib8 {
namespace {

bool is_made_up(const std::string& name) {
  return name.empty() || name.starts_with("onnx::") ||
         name.find_first_not_of("0123456789") == std::string::npos;
}

class Namer {
 public:
  explicit Namer(TfliteGraph& graph) : graph_(graph), done_(graph.value_count(), false) {}

  /// Keeps the tensor's name if it can, else takes `fallback`, else `fallback` with a number.
  void name(TensorId id, const std::string& fallback) {
    if (!id.exists() || done_[id.index]) return;
    done_[id.index] = true;
    std::string& name = graph_[id].name;
    std::string chosen = name;
    if (is_made_up(chosen) || taken_.contains(chosen)) chosen = fallback;
    while (taken_.contains(chosen)) chosen = fallback + "_" + std::to_string(++taken_[fallback]);
    taken_.emplace(chosen, 0);
    if (chosen == name) return;
    name = chosen;
    changed_ = true;
  }
  bool changed() const { return changed_; }

 private:
  TfliteGraph& graph_;
  std::vector<bool> done_;
  std::unordered_map<std::string, int> taken_;  ///< And the last number given to the name.
  bool changed_ = false;
};

}  // namespace

bool name_weights(TfliteGraph& graph, OperatorId id) {
  const auto convolution = as_convolution(graph, graph[id]);
  if (!convolution) return false;
  const std::string& owner = graph[graph[id].outputs[0]].name;
  if (is_made_up(owner)) return false;
  bool changed = false;
  for (const auto& [position, part] :
       {std::pair(convolution->weights, ".weight"), {convolution->bias, ".bias"}}) {
    if (position >= graph[id].inputs.size() || !graph[id].inputs[position].exists()) continue;
    std::string& name = graph[graph[id].inputs[position]].name;
    if (!is_made_up(name)) continue;
    name = owner + part;
    changed = true;
  }
  return changed;
}

bool name_tensors(TfliteGraph& graph) {
  Namer namer(graph);
  for (const TensorId id : graph.inputs()) namer.name(id, "input");
  const std::vector<OperatorId> order = graph.nodes();
  for (const OperatorId id : std::views::reverse(order)) {
    const std::string kind = lower_case(name_of(graph[id].options));
    for (const TensorId output : graph[id].outputs) {
      const std::string& name = graph[output].name;
      namer.name(output, is_made_up(name) ? kind : name + "/" + kind);
    }
  }
  for (const OperatorId id : order) {
    const std::string owner = graph[graph[id].outputs[0]].name;
    for (const TensorId input : graph[id].inputs) namer.name(input, owner + "/constant");
  }
  return namer.changed();
}

}  // namespace calib8
