#include <algorithm>
#include <cctype>
#include <unordered_map>

#include "optimize/passes.h"

//   "", "features.0", "features.0"      =>      "logistic", "features.0", "features.0_1"
//
// Every tensor a name of its own, which readers of the file count on: one without gets its operator's, and a
// name that is taken a number. Inputs come first, then what the operators read and write, in execution order.

namespace calib8 {
namespace {

class Namer {
 public:
  explicit Namer(TfliteGraph& graph) : graph_(graph), done_(graph.value_count(), false) {}

  void name(TensorId id, const std::string& fallback) {
    if (!id.exists() || done_[id.index]) return;
    done_[id.index] = true;
    std::string& name = graph_[id].name;
    const std::string base = name.empty() ? fallback : name;
    std::string candidate = base;
    while (taken_.contains(candidate)) candidate = base + "_" + std::to_string(++taken_[base]);
    taken_.emplace(candidate, 0);
    if (candidate == name) return;
    name = candidate;
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

bool name_tensors(TfliteGraph& graph) {
  Namer namer(graph);
  for (const TensorId id : graph.inputs()) namer.name(id, "input");
  for (const OperatorId id : graph.nodes()) {
    std::string operator_name(name_of(graph[id].options));
    std::transform(operator_name.begin(), operator_name.end(), operator_name.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    for (const TensorId output : graph[id].outputs) namer.name(output, operator_name);
    for (const TensorId input : graph[id].inputs) namer.name(input, operator_name + "/constant");
  }
  return namer.changed();
}

}  // namespace calib8
