#include "pattern/match.h"
#include "simplify/passes.h"
#include "simplify/rewrite.h"

// %x -> Add(3) -> Clip(0, 6) -> Div(6) -> %y      =>      %x -> HardSigmoid(alpha=1/6, beta=1/2) -> %y
//
// Mul(1/6) does as well as Div(6): pattern/ has the pattern, in all its spellings.

namespace calib8 {

bool fuse_hard_sigmoid(OnnxGraph& graph, OnnxNodeId id) {
  return replace_match(graph, id, hard_sigmoid_pattern(), "HardSigmoid",
                       {{"alpha", 1.0f / 6.0f}, {"beta", 0.5f}});
}

}  // namespace calib8
