#include "quantize/operator_types.h"

#include <algorithm>

#include "quantize/disjoint_sets.h"
#include "quantize/float_parts.h"
#include "tflite_graph/levels.h"

namespace calib8 {
namespace {

/// The weights of a float operator that a file gave as something else.
bool has_foreign_weights(const TfliteGraph& graph, const TfliteOperator& op, const WeightsRule& weights) {
  for (const std::size_t position : {weights.input, weights.bias}) {
    if (position >= op.inputs.size() || !op.inputs[position].exists()) continue;
    if (graph[op.inputs[position]].dtype != DType::float32) return true;
  }
  return false;
}

}  // namespace

bool is_activation(const TfliteGraph& graph, TensorId tensor) {
  return tensor.exists() && graph[tensor].dtype == DType::float32 && !graph[tensor].is_constant();
}

OperatorTypes::OperatorTypes(const TfliteGraph& graph, const TargetTraits& target,
                             const QuantizationChoices& choices)
    : graph_(graph),
      chosen_(choices.activations),
      has_float_inputs_(choices.has_float_inputs),
      order_(graph.nodes()) {
  std::size_t count = 0;
  for (const OperatorId id : order_) count = std::max<std::size_t>(count, id.index + 1);
  rules_.resize(count);
  types_.resize(count, DType::float32);
  for (const OperatorId id : order_) decide(id, target, choices);
  keep_normalizations();
  keep_functions();
  keep_movers_among_float_operators();
}

void OperatorTypes::keep_normalizations() {
  for (const OperatorId id : operators_of_normalizations(graph_)) {
    if (!is_float(id)) keep_float(id, "part of a normalization, whose squares and roots need float's range");
  }
  for (const OperatorId id : operators_of_quotients(graph_)) {
    if (!is_float(id)) keep_float(id, "both sides of a quotient, which need float's range");
  }
}

void OperatorTypes::keep_functions() {
  if (chosen_ != DType::int8) return;  // the tables have 256 entries
  const auto is_kept = [&](OperatorId id) {
    return graph_[id].is<tflite::Exp>() || graph_[id].is<tflite::Log>();
  };
  for (const OperatorId id : operators_of_functions(graph_, is_kept)) {
    if (!is_float(id)) keep_float(id, "part of a function of one tensor, which is one table in float");
  }
}

void OperatorTypes::decide(OperatorId id, const TargetTraits& target, const QuantizationChoices& choices) {
  const TfliteOperator& op = graph_[id];
  const QuantizationRule rule = rules_[id.index] = quantization_rule(graph_, op, target);
  if (rule.output == OutputRange::no_range) return;
  const auto chosen = choices.operators.find(id);
  types_[id.index] = chosen == choices.operators.end() ? choices.activations : chosen->second;
  if (const auto kept = choices.float_operators.find(id); kept != choices.float_operators.end())
    return keep_float(id, kept->second);
  if (types_[id.index] == DType::float32) return keep_float(id, "as chosen");
  if (rule.output == OutputRange::keep_float) return keep_float(id, std::string(rule.reason));
  if (types_[id.index] == DType::int16 && !rule.has_int16) return keep_float(id, "no right int16 kernel");
  if (rule.weights && has_foreign_weights(graph_, op, *rule.weights))
    return keep_float(id, "its weights are not float32");
}

DType OperatorTypes::type(TensorId tensor) const {
  const OperatorId producer = graph_.producer(tensor);
  return producer.exists() && !is_float(producer) ? type(producer) : chosen_;
}

void OperatorTypes::keep_float(OperatorId id, std::string reason) {
  types_[id.index] = DType::float32;
  reasons_[id] = std::move(reason);
}

std::vector<FloatOperator> OperatorTypes::float_operators() const {
  std::vector<FloatOperator> result;
  for (const OperatorId id : order_) {
    if (!is_float(id) || rule(id).output == OutputRange::no_range) continue;
    const auto reason = reasons_.find(id);
    result.push_back({id, reason == reasons_.end() ? std::string() : reason->second});
  }
  return result;
}

//   float operator -> RESHAPE -> TRANSPOSE -> float operator: no conversion is needed on the way.
void OperatorTypes::keep_movers_among_float_operators() {
  const auto is_mover = [&](OperatorId id) {
    return id.exists() && rule(id).output == OutputRange::same_as_input && !is_float(id);
  };
  DisjointSets chains(rules_.size());
  for (const OperatorId id : order_) {
    if (!is_mover(id)) continue;
    for (const TensorId input : graph_[id].inputs) {
      if (!is_activation(graph_, input) || !is_mover(graph_.producer(input))) continue;
      chains.unite(id.index, graph_.producer(input).index);
    }
  }
  std::vector<bool> meets_integers(rules_.size(), false);
  for (const OperatorId id : order_) {
    if (!is_mover(id)) continue;
    const auto note = [&](OperatorId neighbour) {
      if (!neighbour.exists() || (!is_float(neighbour) && !is_mover(neighbour)))
        meets_integers[chains.find(id.index)] = true;
    };
    bool reads_activation = false;
    for (const TensorId input : graph_[id].inputs) {
      if (!is_activation(graph_, input)) continue;
      reads_activation = true;
      if (!graph_.is_input(input) || !has_float_inputs_) note(graph_.producer(input));
    }
    if (!reads_activation) note({});
    for (const TensorId output : graph_[id].outputs) {
      for (const OperatorId reader : graph_.users(output)) note(reader);
    }
  }
  std::vector<OperatorId> found;
  for (const OperatorId id : order_) {
    if (is_mover(id) && !meets_integers[chains.find(id.index)]) found.push_back(id);
  }
  for (const OperatorId id : found) keep_float(id, "stands between operators in float");
}

}  // namespace calib8
