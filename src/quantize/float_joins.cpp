#include "quantize/float_joins.h"

#include <algorithm>

namespace calib8 {
namespace {

/// Two bits of the eight: beyond, the smaller part loses more than a conversion costs.
constexpr double most_coarsening = 4;

double width(Range range) {
  range = with_zero(range);
  return static_cast<double>(range.high) - static_cast<double>(range.low);
}

bool joins_different_sizes(const TfliteGraph& graph, const Ranges& ranges, const TfliteOperator& op) {
  double narrowest = 0, widest = 0;
  for (const TensorId part : op.inputs) {
    if (!is_activation(graph, part)) continue;
    const double own = width(ranges[part.index].value());
    if (own == 0) continue;  // nothing but zeros fits any scale
    narrowest = narrowest == 0 ? own : std::min(narrowest, own);
    widest = std::max(widest, own);
  }
  return widest > most_coarsening * narrowest;
}

}  // namespace

void keep_joins_of_outputs_in_float(const TfliteGraph& graph, const Ranges& ranges, OperatorTypes& types) {
  std::vector<bool> only_goes_out(graph.value_count(), false);
  const std::vector<OperatorId> order = graph.nodes();
  for (auto id = order.rbegin(); id != order.rend(); ++id) {
    const TfliteOperator& op = graph[*id];
    for (const TensorId output : op.outputs) {
      const auto& readers = graph.users(output);
      const bool is_read_on = std::ranges::all_of(readers, [&](OperatorId reader) {
        const bool moves = types.rule(reader).output == OutputRange::same_as_input ||
                           graph[reader].is<tflite::Concatenation>();
        return moves && std::ranges::all_of(graph[reader].outputs,
                                            [&](TensorId next) { return only_goes_out[next.index]; });
      });
      only_goes_out[output.index] = is_read_on && (graph.is_output(output) || !readers.empty());
    }
    if (!op.is<tflite::Concatenation>() || types.is_float(*id) || !only_goes_out[op.outputs[0].index])
      continue;
    if (joins_different_sizes(graph, ranges, op))
      types.keep_float(*id, "it joins values of different size for a float output");
  }
  types.keep_movers_among_float_operators();
}

}  // namespace calib8
