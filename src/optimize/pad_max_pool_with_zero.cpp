#include <algorithm>

#include "optimize/not_negative.h"
#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x >= 0 -> PADV2(-inf) -> MAX_POOL_2D -> y      =>      x -> PAD -> MAX_POOL_2D -> y
//
// Zero never wins against an element that can't be negative, and every window of a max pool holds one. PADV2
// has no XNNPACK form in int8, and -inf no int8 at all. A PADV2 with 0 becomes a PAD in any case.

namespace calib8 {

bool pad_max_pool_with_zero(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::PadV2>()) return false;
  const auto value = uniform_value(graph, graph[id].inputs[2]);
  if (!value || *value > 0) return false;
  const TensorId x = graph[id].inputs[0], output = graph[id].outputs[0];
  if (*value < 0) {
    const std::vector<OperatorId>& users = graph.users(output);
    const bool only_pools = !users.empty() && !graph.is_output(output) &&
                            std::all_of(users.begin(), users.end(),
                                        [&](OperatorId user) { return graph[user].is<tflite::MaxPool2D>(); });
    if (!only_pools || !is_not_negative(graph, x)) return false;
  }
  graph[id].options = tflite::Pad{};
  graph.set_inputs_of(id, {x, graph[id].inputs[1]});
  return true;
}

}  // namespace calib8
