#include "quantize/apply.h"

#include "quantize/rewrite_graph.h"
#include "quantize/round_constants.h"

namespace calib8 {

void apply_plan(TfliteGraph& graph, const Plan& plan, DType io, int threads, const RoundingMethod& rounding) {
  rewrite_graph(graph, plan, round_constants(graph, plan, rounding, threads), io);
}

}  // namespace calib8
