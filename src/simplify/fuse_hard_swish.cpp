#include "pattern/match.h"
#include "simplify/passes.h"
#include "simplify/rewrite.h"

// %x ---------------------------------> Mul -> %y      =>      %x -> HardSwish -> %y
//   \-> HardSigmoid(alpha=1/6, beta=1/2) /
//
// and, with the division at the end or anywhere else,
//
// %x -------------------------> Mul -> Div(6) -> %y      =>      %x -> HardSwish -> %y
//   \-> Add(3) -> Clip(0, 6) /

namespace calib8 {

bool fuse_onnx_hard_swish(OnnxGraph& graph, OnnxNodeId id) {
  return replace_match(graph, id, hard_swish_pattern(), "HardSwish", {});
}

}  // namespace calib8
