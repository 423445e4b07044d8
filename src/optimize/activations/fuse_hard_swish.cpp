#include "optimize/passes.h"
#include "optimize/rewrite.h"
#include "pattern/match.h"

//   x -> ADD 3 (relu6) -.
//                       MUL -> MUL 1/6 -> y      =>      x -> HARD_SWISH -> y
//   x ------------------/
//
// with the factors in any order, and also DIV by 6: one form, whichever of them the model came in; the
// pattern is the one that ONNX graphs are searched for (pattern/). expand_hard_swish undoes it for int8,
// and always in the same way.

namespace calib8 {

bool fuse_hard_swish(TfliteGraph& graph, OperatorId id) {
  if (graph[id].outputs.size() != 1) return false;
  const TensorId output = graph[id].outputs[0];
  const auto found = match(graph, output, hard_swish_pattern());
  if (!found || !found->is_closed(graph)) return false;
  const TensorId x = found->holes.at(0);
  const TfliteTensor& result = graph[output];
  if (graph[x].shape != result.shape) return false;
  replace_operator(graph, id, emit_before(graph, id, tflite::HardSwish{}, {x}, result.name, result.shape));
  return true;
}

}  // namespace calib8
