#include <unordered_map>

#include "optimize/passes.h"
#include "optimize/structure.h"

//   MEAN(x, axes [1, 2]), MEAN(y, other axes [1, 2])      =>      MEAN(x, axes), MEAN(y, axes)
//
// Axes, shapes and permutations only: a float constant that two operators share could have only one
// quantization.

namespace calib8 {

bool share_integer_constants(TfliteGraph& graph) {
  bool changed = false;
  std::unordered_map<std::string, TensorId> known;
  for (const OperatorId id : graph.nodes()) {
    for (std::size_t i = 0; i < graph[id].inputs.size(); ++i) {
      const TensorId input = graph[id].inputs[i];
      if (!input.exists() || !graph.is_constant(input)) continue;
      if (graph[input].dtype != DType::int32 || graph[input].quantization) continue;
      const TensorId first = known.emplace(content_of(graph[input]), input).first->second;
      if (first == input || !have_equal_content(graph[first], graph[input])) continue;
      graph.set_input(id, i, first);
      changed = true;
    }
  }
  return changed;
}

}  // namespace calib8
