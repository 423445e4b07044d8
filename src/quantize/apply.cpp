#include "quantize/apply.h"

#include "calib8/error.h"
#include "quantize/rewrite_graph.h"
#include "quantize/round_constants.h"

namespace calib8 {
namespace {

DType edge_type_of(ModelIo io) {
  switch (io) {
    case ModelIo::automatic:
    case ModelIo::int8:
      return DType::int8;
    case ModelIo::int16:
      return DType::int16;
    case ModelIo::uint8:
      return DType::uint8;
    case ModelIo::float32:
      return DType::float32;
  }
  throw Error(ErrorCode::internal, "not a ModelIo");
}

}  // namespace

void apply_plan(TfliteGraph& graph, const Plan& plan, ModelIo io, int threads, const Rounding& rounding) {
  rewrite_graph(graph, plan, round_constants(graph, plan, rounding, threads), edge_type_of(io));
}

}  // namespace calib8
