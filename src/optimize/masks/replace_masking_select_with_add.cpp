#include <utility>
#include <vector>

#include "ops/softmax_readers.h"
#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   SELECT_V2(constant condition, x, -1e9) -> SOFTMAX      =>      x -> ADD(0 or -1e9) -> SOFTMAX
//
// A SOFTMAX makes 0 of either, and an ADD has an integer form that knows of masks.

namespace calib8 {
namespace {

/// No score is so high that it counts with this added.
constexpr float masking = -1e4f;

}  // namespace

bool replace_masking_select_with_add(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::SelectV2>() || !graph.is_constant(graph[id].inputs[0])) return false;
  const TensorId output = graph[id].outputs[0];
  if (!only_softmax_reads(graph, output)) return false;
  for (const bool where_true : {true, false}) {
    const TensorId masked = graph[id].inputs[where_true ? 1 : 2], x = graph[id].inputs[where_true ? 2 : 1];
    const auto value = uniform_value(graph, masked);
    if (!value || *value > masking || graph.is_constant(x) || graph[x].shape != graph[output].shape) continue;
    const Tensor condition = graph[graph[id].inputs[0]].as_tensor();
    std::vector<float> mask;
    for (const std::int64_t chosen : to_int64(condition))
      mask.push_back((chosen != 0) == where_true ? *value : 0.0f);
    const TensorId sum = emit_before(
        graph, id, tflite::Add{},
        {x, graph.add_constant(graph[output].name + "/mask", make_tensor(condition.shape, std::move(mask)))},
        graph[output].name, graph[output].shape);
    replace_operator(graph, id, sum);
    return true;
  }
  return false;
}

}  // namespace calib8
