#include "quantize/groups.h"

#include <algorithm>

namespace calib8 {
namespace {

/// Sharing may make a tensor's scale this many times coarser where others read the tensor too: one bit.
constexpr double most_coarsening = 2;

double width(Range range) {
  range = with_zero(range);
  return static_cast<double>(range.high) - static_cast<double>(range.low);
}

}  // namespace

SharedQuantization::SharedQuantization(const TfliteGraph& graph, const OperatorTypes& types,
                                       const Ranges& ranges)
    : graph_(graph), types_(types), sets_(graph.value_count()), sets_of_(graph.value_count()) {
  const auto begin = [&](TensorId tensor) {
    if (!is_activation(graph, tensor)) return;
    Group& group = sets_of_[tensor.index];
    group.members = {tensor};
    group.type = types.type(tensor);
    group.range = ranges[tensor.index].value();
    group.uses = graph.users(tensor).size();
    const OperatorId producer = graph.producer(tensor);
    if (producer.exists() && !types.is_float(producer) && types.rule(producer).output == OutputRange::fixed)
      group.fixed = fixed_quantization(types.rule(producer), group.type);
  };
  for (const TensorId input : graph.inputs()) begin(input);
  for (const OperatorId id : graph.nodes()) {
    for (const TensorId output : graph[id].outputs) begin(output);
  }
  for (const TensorId output : graph.outputs()) ++sets_of_[output.index].uses;
  join_moved_bytes();
  join_parts();
  note_symmetric_inputs();
  number_groups();
}

void SharedQuantization::join(TensorId input, TensorId output) {
  const std::uint32_t a = sets_.find(input.index), b = sets_.find(output.index);
  if (a == b) return;
  const std::uint32_t root = sets_.unite(a, b);
  Group& kept = sets_of_[root];
  Group& gone = sets_of_[root == a ? b : a];
  kept.members.insert(kept.members.end(), gone.members.begin(), gone.members.end());
  kept.range = hull(kept.range, gone.range);
  kept.uses += gone.uses;
  if (!kept.fixed) kept.fixed = gone.fixed;
  gone = {};
}

void SharedQuantization::join_moved_bytes() {
  for (const OperatorId id : graph_.nodes()) {
    if (types_.is_float(id) || types_.rule(id).output != OutputRange::same_as_input) continue;
    const TfliteOperator& op = graph_[id];
    for (std::size_t position = 0; position < op.inputs.size(); ++position) {
      const TensorId input = op.inputs[position];
      if (!is_activation(graph_, input)) continue;
      // A padding may lie outside of what a kernel prescribes.
      const bool is_held = std::ranges::all_of(op.outputs, [&](TensorId output) {
        return !of(input).fixed || hull(of(input).range, of(output).range) == of(input).range;
      });
      if (of(input).type != types_.type(id) || !is_held) {
        converted_.insert({id, position});
        continue;
      }
      for (const TensorId output : op.outputs) join(input, output);
      --of(input).uses;
    }
  }
}

void SharedQuantization::join_parts() {
  for (const OperatorId id : graph_.nodes()) {
    if (!types_.is_float(id) && types_.rule(id).output == OutputRange::same_as_output) join_parts_of(id);
  }
}

/// A tensor that a kernel prescribes shares only with its like; any other as long as that costs the tensor's
/// other readers little. What doesn't share is converted for this operator alone.
void SharedQuantization::join_parts_of(OperatorId id) {
  const TfliteOperator& op = graph_[id];
  std::vector<TensorId> parts;
  bool has_constants = false;
  for (const TensorId input : op.inputs) {
    if (is_activation(graph_, input)) parts.push_back(input);
    has_constants |= !is_activation(graph_, input);
  }
  if (parts.empty()) return;
  const std::optional<Quantization> first = of(parts.front()).fixed;
  const bool is_fixed_alike = first && !has_constants && std::ranges::all_of(parts, [&](TensorId part) {
                                return of(part).fixed == first && of(part).type == types_.type(id);
                              });
  const TensorId output = op.outputs[0];
  std::vector<bool> shares(op.inputs.size(), false);
  for (std::size_t position = 0; position < op.inputs.size(); ++position) {
    if (!is_activation(graph_, op.inputs[position])) continue;
    shares[position] = is_fixed_alike || may_share(id, op.inputs[position], parts);
  }
  for (std::size_t position = 0; position < op.inputs.size(); ++position) {
    if (!is_activation(graph_, op.inputs[position])) continue;
    if (!shares[position]) {
      converted_.insert({id, position});
      continue;
    }
    join(op.inputs[position], output);
    --of(output).uses;
  }
}

bool SharedQuantization::may_share(OperatorId id, TensorId part, const std::vector<TensorId>& parts) {
  const Group& group = of(part);
  const Group& joined = of(graph_[id].outputs[0]);
  if (group.fixed || group.type != types_.type(id)) return false;
  const std::uint32_t set = sets_.find(part.index);
  const auto reads =
      std::ranges::count_if(parts, [&](TensorId other) { return sets_.find(other.index) == set; });
  const bool only_here = group.uses == static_cast<std::size_t>(reads);
  return only_here || width(hull(group.range, joined.range)) <= most_coarsening * width(group.range);
}

void SharedQuantization::note_symmetric_inputs() {
  for (const OperatorId id : graph_.nodes()) {
    const auto position = types_.rule(id).symmetric_input;
    if (types_.is_float(id) || !position || !is_activation(graph_, graph_[id].inputs.at(*position))) continue;
    of(graph_[id].inputs[*position]).is_symmetric = true;
  }
}

void SharedQuantization::number_groups() {
  index_.resize(graph_.value_count());
  for (Group& group : sets_of_) {
    if (group.members.empty()) continue;
    for (const TensorId member : group.members)
      index_[member.index] = static_cast<std::uint32_t>(groups_.size());
    groups_.push_back(std::move(group));
  }
}

}  // namespace calib8
