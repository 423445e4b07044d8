#include "quantize/plan.h"

#include "quantize/activation_ranges.h"
#include "quantize/fit_scales.h"
#include "quantize/float_joins.h"
#include "quantize/groups.h"
#include "quantize/operator_types.h"

namespace calib8 {
namespace {

/// Puts the decisions of the steps before it into a plan.
class Planner {
 public:
  Planner(const TfliteGraph& graph, const TargetTraits& target, const OperatorTypes& types,
          const SharedQuantization& shared, const FittedScales& scales)
      : graph_(graph), target_(target), types_(types), shared_(shared), scales_(scales) {
    plan_.tensors.resize(graph.value_count());
  }

  Plan run() {
    for (const TensorId input : graph_.inputs()) {
      if (is_activation(graph_, input)) plan_activation(input);
    }
    for (const OperatorId id : graph_.nodes()) {
      for (const TensorId output : graph_[id].outputs) {
        if (is_activation(graph_, output)) plan_activation(output);
      }
    }
    for (const OperatorId id : graph_.nodes()) {
      if (!types_.is_float(id)) plan_operands(id);
    }
    plan_.float_operators = types_.float_operators();
    return std::move(plan_);
  }

 private:
  /// An activation that only float operators write and read is no integer anywhere.
  bool stays_float(TensorId tensor) const {
    const OperatorId producer = graph_.producer(tensor);
    if (!producer.exists() || !types_.is_float(producer) || graph_.is_output(tensor)) return false;
    for (const OperatorId reader : graph_.users(tensor)) {
      if (!types_.is_float(reader)) return false;
    }
    return true;
  }

  void plan_activation(TensorId tensor) {
    TensorPlan& planned = plan_.tensors[tensor.index].emplace();
    if (stays_float(tensor)) {
      planned.dtype = DType::float32;
      planned.rule = "among operators in float";
      return;
    }
    const SharedQuantization::Group& group = shared_.group_of(tensor);
    planned.dtype = group.type;
    planned.quantization = scales_.quantization_of(tensor);
    planned.rule = group.fixed                  ? "fixed by the kernel"
                   : scales_.was_raised(tensor) ? "widened for the kernel's multiplier"
                   : group.members.size() == 1  ? "own range"
                                                : "shared with its group";
  }

  void plan_operands(OperatorId id) {
    const TfliteOperator& op = graph_[id];
    const auto& weights = types_.rule(id).weights;
    if (weights) plan_weights(id, *weights);
    for (std::size_t position = 0; position < op.inputs.size(); ++position) {
      const TensorId input = op.inputs[position];
      if (!input.exists() || graph_[input].dtype != DType::float32) continue;
      if (weights && (position == weights->input || position == weights->bias)) continue;
      plan_operand({id, position}, input);
    }
  }

  bool is_beyond_rescaling(const TensorPlan& from, const TensorPlan& to) const {
    if (from.dtype == DType::float32) return false;
    const double ratio = static_cast<double>(from.quantization.scales.front()) /
                         static_cast<double>(to.quantization.scales.front());
    return ratio >= target_.limits(to.dtype).rescaling_bound;
  }

  void plan_operand(const Operand& operand, TensorId input) {
    TensorPlan planned;
    planned.dtype = types_.type(operand.reader);
    const bool is_constant = graph_.is_constant(input);
    const OutputRange rule = types_.rule(operand.reader).output;
    const bool follows = rule == OutputRange::same_as_input || rule == OutputRange::same_as_output;
    if (follows && (is_constant || shared_.is_converted(operand))) {
      planned.quantization = scales_.quantization_of(graph_[operand.reader].outputs[0]);
      planned.rule = "same as the output";
    } else {
      planned.quantization = scales_.operand_quantization(operand.reader, operand.position);
      planned.rule = is_constant ? "its own values" : "converted for its reader";
    }
    if (!is_constant) {
      const TensorPlan& own = *plan_.tensors[input.index];
      if (own.dtype == planned.dtype && own.quantization == planned.quantization) return;
      planned.by_way_of_float = is_beyond_rescaling(own, planned);
    }
    plan_.operands.emplace(operand, std::move(planned));
  }

  /// What a PAD, or a CONCATENATION with nothing but constants, adds a border to; absent for all others.
  TensorId inside_of_border(TensorId image) const {
    const OperatorId producer = graph_.producer(image);
    if (!producer.exists()) return {};
    const TfliteOperator& op = graph_[producer];
    if (op.is<tflite::Pad>()) return op.inputs[0];
    TensorId inside;
    if (!op.is<tflite::Concatenation>()) return inside;
    for (const TensorId part : op.inputs) {
      if (graph_.is_constant(part)) continue;
      if (inside.exists()) return {};
      inside = part;
    }
    return inside;
  }

  /// Neighbouring pixels always go together; in a picture, which only a border may part from the convolution,
  /// colours too.
  Correlation correlation_at(const TfliteOperator& op, const WeightsRule& rule) const {
    const Shape& shape = graph_[op.inputs[rule.input]].shape;
    const bool spatial = shape.size() == 4 && shape[1] * shape[2] > 1;
    if (!spatial || op.is<tflite::TransposeConv>()) return Correlation::none;
    TensorId input = op.inputs[rule.data];
    for (TensorId inside = input; inside.exists(); inside = inside_of_border(input)) input = inside;
    const bool picture = graph_.is_input(input) && op.is<tflite::Conv2D>();
    return picture ? Correlation::whole_filter : Correlation::taps_of_channel;
  }

  void plan_weights(OperatorId id, const WeightsRule& rule) {
    const TfliteOperator& op = graph_[id];
    TensorPlan weights{.role = TensorRole::weights,
                       .dtype = DType::int8,
                       .correlation = correlation_at(op, rule),
                       .rule = "per channel, symmetric"};
    weights.quantization.scales = scales_.weight_scales(id);
    weights.quantization.zero_points.assign(weights.quantization.scales.size(), 0);
    weights.quantization.axis = weights.quantization.scales.size() == 1 ? 0 : rule.axis;
    if (op.inputs.size() > rule.bias && op.inputs[rule.bias].exists()) {
      const bool is_wide = types_.type(id) == DType::int16;
      TensorPlan bias{.role = TensorRole::bias,
                      .dtype = is_wide ? DType::int64 : DType::int32,
                      .rule = "input scale times weight scale"};
      const float input_scale = scales_.operand_quantization(id, rule.data).scales.front();
      for (const float scale : weights.quantization.scales)
        bias.quantization.scales.push_back(input_scale * scale);
      bias.quantization.zero_points = weights.quantization.zero_points;
      plan_.operands.emplace(Operand{id, rule.bias}, std::move(bias));
    }
    plan_.operands.emplace(Operand{id, rule.input}, std::move(weights));
  }

  const TfliteGraph& graph_;
  const TargetTraits& target_;
  const OperatorTypes& types_;
  const SharedQuantization& shared_;
  const FittedScales& scales_;
  Plan plan_;
};

}  // namespace

std::vector<TensorId> tensors_to_observe(const TfliteGraph& graph, const TargetTraits& target) {
  std::vector<TensorId> observed;
  for (const TensorId input : graph.inputs()) {
    if (is_activation(graph, input)) observed.push_back(input);
  }
  for (const OperatorId id : graph.nodes()) {
    const OutputRange rule = quantization_rule(graph, graph[id], target).output;
    const bool follows = rule == OutputRange::same_as_input || rule == OutputRange::same_as_output;
    if (follows || rule == OutputRange::fixed) continue;
    for (const TensorId output : graph[id].outputs) {
      if (is_activation(graph, output)) observed.push_back(output);
    }
  }
  return observed;
}

Plan make_plan(const TfliteGraph& graph, const Ranges& ranges, const TargetTraits& target,
               const QuantizationChoices& choices) {
  OperatorTypes types(graph, target, choices);
  const CompleteRanges complete = complete_ranges(graph, types, ranges);
  std::set<TensorId> float_outputs = choices.float_outputs;
  if (choices.has_float_outputs) float_outputs.insert(graph.outputs().begin(), graph.outputs().end());
  keep_in_float(unequal_joins_of_outputs(graph, complete.activations, types, float_outputs), types);
  keep_unequal_streams_in_float(graph, complete.activations, types);
  const SharedQuantization shared(graph, types, complete.activations);
  const FittedScales scales(graph, target, complete, shared, types);
  Plan plan = Planner(graph, target, types, shared, scales).run();
  plan.squeezing_joins = unequal_joins_of_outputs(graph, complete.activations, types,
                                                  {graph.outputs().begin(), graph.outputs().end()});
  plan.float_outputs = std::move(float_outputs);
  return plan;
}

}  // namespace calib8
