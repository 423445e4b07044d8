#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> PAD(a) -> PAD(b) -> y      =>      x -> PAD(a + b) -> y

namespace calib8 {

bool merge_pads(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::Pad>()) return false;
  const OperatorId first = graph.producer(graph[id].inputs[0]);
  if (!first.exists() || !graph[first].is<tflite::Pad>()) return false;
  const TensorId inner = graph[first].inputs[1], outer = graph[id].inputs[1];
  const std::size_t count = 2 * graph[graph[id].inputs[0]].shape.size();
  const auto a = integers_of(graph, inner, count), b = integers_of(graph, outer, count);
  if (!a || !b) return false;

  std::vector<std::int32_t> sum(count);
  for (std::size_t i = 0; i < count; ++i) sum[i] = static_cast<std::int32_t>((*a)[i] + (*b)[i]);
  graph.set_inputs_of(id, {graph[first].inputs[0],
                           graph.add_constant(graph[outer].name, make_tensor(graph[outer].shape, sum))});
  remove_if_unused(graph, first);
  return true;
}

}  // namespace calib8
