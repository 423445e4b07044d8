#include "quantize/float_joins.h"

#include <algorithm>

#include "quantize/activation_ranges.h"
#include "quantize/float_parts.h"

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
    const std::optional<Range> range =
        is_activation(graph, part) ? ranges[part.index] : range_of_constant(graph[part]);
    if (!range) continue;
    const double own = width(*range);
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

void keep_unequal_streams_in_float(const TfliteGraph& graph, const Ranges& ranges, OperatorTypes& types) {
  const auto is_unequal = [&](OperatorId id) {
    if (!graph[id].is<tflite::Concatenation>() || types.type(id) != DType::int8) return false;
    const UnequalJoin join = measured(graph, ranges, id);
    return join.widest > most_coarsening * join.narrowest;
  };
  bool changed = false;
  for (const std::vector<OperatorId>& stream : streams_of_normalizations(graph)) {
    if (std::ranges::none_of(stream, is_unequal)) continue;
    for (const OperatorId id : stream) {
      if (!types.is_float(id))
        types.keep_float(id, "read by normalizations, for which small positions count as much as large ones");
    }
    changed = true;
  }
  if (changed) types.keep_movers_among_float_operators();
}

void keep_in_float(const std::vector<UnequalJoin>& joins, OperatorTypes& types) {
  for (const UnequalJoin& join : joins)
    types.keep_float(join.id, "it joins values of different size for a float output");
  types.keep_movers_among_float_operators();
}

}  // namespace calib8
