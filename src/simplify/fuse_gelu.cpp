#include "pattern/match.h"
#include "simplify/passes.h"
#include "simplify/rewrite.h"

// %x ------------------------------------> Mul -> Mul(0.5) -> %y      =>      %x -> Gelu -> %y
//   \-> Div(sqrt(2)) -> Erf -> Add(1) /
//
// and likewise with Tanh of a polynomial: pattern/ has both, in all their spellings.

namespace calib8 {

bool fuse_gelu(OnnxGraph& graph, OnnxNodeId id) {
  return replace_match(graph, id, gelu_pattern(), "Gelu", {}) ||
         replace_match(graph, id, gelu_tanh_pattern(), "Gelu", {{"approximate", std::string("tanh")}});
}

}  // namespace calib8
