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

/// How far the narrowest and the widest part reach.
UnequalJoin measured(const TfliteGraph& graph, const Ranges& ranges, OperatorId id) {
  UnequalJoin join{.id = id};
  for (const TensorId part : graph[id].inputs) {
    if (!is_activation(graph, part)) continue;
    const double own = width(ranges[part.index].value());
    if (own == 0) continue;  // nothing but zeros fits any scale
    join.narrowest = join.narrowest == 0 ? own : std::min(join.narrowest, own);
    join.widest = std::max(join.widest, own);
  }
  return join;
}

}  // namespace

std::vector<UnequalJoin> unequal_joins_of_outputs(const TfliteGraph& graph, const Ranges& ranges,
                                                  const OperatorTypes& types,
                                                  const std::set<TensorId>& outputs) {
  std::vector<UnequalJoin> joins;
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
      only_goes_out[output.index] =
          is_read_on && (graph.is_output(output) ? outputs.contains(output) : !readers.empty());
    }
    if (!op.is<tflite::Concatenation>() || types.is_float(*id) || !only_goes_out[op.outputs[0].index])
      continue;
    const UnequalJoin join = measured(graph, ranges, *id);
    if (join.widest > most_coarsening * join.narrowest) joins.push_back(join);
  }
  std::ranges::reverse(joins);
  return joins;
}

void keep_in_float(const std::vector<UnequalJoin>& joins, OperatorTypes& types) {
  for (const UnequalJoin& join : joins)
    types.keep_float(join.id, "it joins values of different size for a float output");
  types.keep_movers_among_float_operators();
}

}  // namespace calib8
