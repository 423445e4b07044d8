#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "ops/softmax_readers.h"
#include "optimize/passes.h"

//   x -> ADD(0 or -inf) -> SOFTMAX      =>      x -> ADD(0 or -1.7e38) -> SOFTMAX
//
// Likewise SELECT_V2(condition, x, -inf).
//
// A SOFTMAX makes 0 of either, and what lies between has a range that is finite.

namespace calib8 {

bool bound_infinite_mask(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::Add>() && !graph[id].is<tflite::SelectV2>()) return false;
  if (!only_softmax_reads(graph, graph[id].outputs[0])) return false;
  for (std::size_t position = 0; position < graph[id].inputs.size(); ++position) {
    const TensorId mask = graph[id].inputs[position];
    if (!graph.is_constant(mask) || graph[mask].dtype != DType::float32) continue;
    const Tensor tensor = graph[mask].as_tensor();
    const auto elements = tensor.as<float>();
    constexpr float infinity = std::numeric_limits<float>::infinity();
    if (std::ranges::find(elements, -infinity) == elements.end()) continue;
    std::vector<float> bounded(elements.begin(), elements.end());
    // Half of the lowest number, so that no sum with another is infinite either.
    std::ranges::replace(bounded, -infinity, std::numeric_limits<float>::lowest() / 2);
    graph.set_input(id, position,
                    graph.add_constant(graph[mask].name, make_tensor(tensor.shape, std::move(bounded))));
    return true;
  }
  return false;
}

}  // namespace calib8
