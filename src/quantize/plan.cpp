#include "quantize/plan.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "calib8/error.h"
#include "quantize/groups.h"
#include "quantize/scale.h"

namespace calib8 {
namespace {

const QuantizationRule& rule_of(const TfliteGraph& graph, OperatorId id) {
  return tflite_op(graph[id].options).rule;
}

/// Decides tensor by tensor; its members are the inputs of a decision.
class Planner {
 public:
  Planner(const TfliteGraph& graph, const Ranges& ranges) : graph_(graph), ranges_(ranges), shared_(graph) {
    plan_.tensors.resize(graph.value_count());
  }

  Plan run() {
    find_float_operators();
    plan_activations();
    widen_for_kernels();
    plan_requantizations();
    for (const OperatorId id : graph_.nodes()) {
      if (!float_operators_.contains(id)) plan_constants(id);
    }
    return std::move(plan_);
  }

 private:
  void find_float_operators() {
    for (const OperatorId id : graph_.nodes()) {
      if (rule_of(graph_, id).output != OutputRange::keep_float) continue;
      float_operators_.insert(id);
      plan_.float_operators.push_back(id);
    }
  }

  /// The union of what was observed on the members of each group, turned into a scale and zero point.
  void plan_activations() {
    std::vector<std::optional<Range>> of_group(graph_.value_count());
    const auto for_each_activation = [&](auto&& visit) {
      for (const TensorId input : graph_.inputs()) {
        if (is_activation(graph_, input)) visit(input);
      }
      for (const OperatorId id : graph_.nodes()) {
        for (const TensorId output : graph_[id].outputs) {
          if (is_activation(graph_, output)) visit(output);
        }
      }
    };
    for_each_activation([&](TensorId tensor) {
      if (tensor.index >= ranges_.size() || !ranges_[tensor.index]) return;
      auto& range = of_group[shared_.group_of(tensor).index];
      range = range ? hull(*range, *ranges_[tensor.index]) : *ranges_[tensor.index];
    });
    for_each_activation([&](TensorId tensor) {
      const TensorId group = shared_.group_of(tensor);
      const std::optional<Quantization>& fixed = shared_.fixed(tensor);
      if (!fixed && !of_group[group.index]) {
        throw Error(ErrorCode::internal, "no range was observed", "tensor '" + graph_[tensor].name + "'");
      }
      const std::string_view because = fixed             ? "fixed by the kernel"
                                       : group == tensor ? "own range"
                                                         : "shared with its group";
      plan_.tensors[tensor.index] = {TensorRole::activation,
                                     fixed ? *fixed : activation_quantization(*of_group[group.index]),
                                     Correlation::none, because};
    });
  }

  float scale_of(TensorId tensor) const {
    const auto& planned = plan_.tensors[tensor.index];
    return planned ? planned->quantization.scales.front() : 1.0f;
  }

  /// Raises the scale of a whole group to at least `scale`. One that a kernel prescribes stays.
  void raise_scale(TensorId tensor, float scale) {
    if (scale <= scale_of(tensor) || shared_.fixed(tensor)) return;
    const TensorId group = shared_.group_of(tensor);
    for (std::size_t index = 0; index < plan_.tensors.size(); ++index) {
      auto& planned = plan_.tensors[index];
      if (!planned || shared_.group_of(graph_.value_at(index)) != group) continue;
      planned->quantization = with_scale_at_least(planned->quantization, scale);
      planned->because = "widened for the kernel's multiplier";
    }
  }

  /// XNNPACK fails to load a convolution whose requantization multiplier s_in * s_w / s_out reaches 256, and
  /// leaves a MUL whose s_a * s_b / s_out does to the slow kernel. Dead outputs (a range of nearly nothing)
  /// bring this about.
  void widen_for_kernels() {
    for (const OperatorId id : graph_.nodes()) {
      const TfliteOperator& op = graph_[id];
      if (float_operators_.contains(id) || op.outputs.empty() || !is_activation(graph_, op.outputs[0]))
        continue;
      if (const auto& weights = rule_of(graph_, id).weights) {
        raise_scale(op.outputs[0],
                    largest_weight_scale(op, *weights) * scale_of(data_input(op, *weights)) / 255.0f);
      } else if (op.is<tflite::Add>() || op.is<tflite::Sub>()) {
        widen_for_sum(op);
      } else if (op.is<tflite::Mul>()) {
        raise_scale(op.outputs[0], input_scale(op.inputs[0]) * input_scale(op.inputs[1]) / 255.0f);
      }
    }
  }

  /// XNNPACK's ADD and SUB want s_in / s_out within [1/1024, 256) for both inputs; outside, the slow kernel
  /// runs, and it is wrong above. What is that small beside the sum has no bit to give to it: a coarser scale
  /// loses nothing.
  void widen_for_sum(const TfliteOperator& op) {
    for (const TensorId input : op.inputs) raise_scale(op.outputs[0], input_scale(input) / 255.0f);
    for (const TensorId input : op.inputs) {
      if (is_activation(graph_, input)) raise_scale(input, scale_of(op.outputs[0]) / 1023.0f);
    }
  }

  float input_scale(TensorId input) const {
    return graph_.is_constant(input) ? activation_quantization(range_of_constant(input)).scales.front()
                                     : scale_of(input);
  }

  static TensorId data_input(const TfliteOperator& op, const WeightsRule& weights) {
    return op.is<tflite::TransposeConv>() ? op.inputs[2] : op.inputs[weights.input == 0 ? 1 : 0];
  }

  float largest_weight_scale(const TfliteOperator& op, const WeightsRule& rule) const {
    if (!graph_.is_constant(op.inputs[rule.input])) return 0;
    const std::vector<float> scales =
        weight_scales(graph_[op.inputs[rule.input]].as_tensor(), rule.axis, {}, 1.0f);
    return *std::max_element(scales.begin(), scales.end());
  }

  void plan_requantizations() {
    for (const auto& outsider : shared_.outsiders()) {
      const TensorId output = graph_[outsider.reader].outputs[0];
      plan_.requantizations.push_back(
          {outsider.reader, outsider.position, plan_.tensors[output.index]->quantization});
    }
  }

  void plan_constants(OperatorId id) {
    const TfliteOperator& op = graph_[id];
    const QuantizationRule& rule = rule_of(graph_, id);
    if (rule.weights && op.inputs.size() > rule.weights->input &&
        graph_.is_constant(op.inputs[rule.weights->input])) {
      plan_weights(op, *rule.weights);
      return;
    }
    for (const TensorId input : op.inputs) {
      if (!input.exists() || !graph_.is_constant(input) || graph_[input].dtype != DType::float32) continue;
      const bool follows =
          rule.output == OutputRange::same_as_input || rule.output == OutputRange::same_as_output;
      if (follows) {
        plan_.tensors[input.index] = {TensorRole::activation,
                                      plan_.tensors[op.outputs[0].index]->quantization, Correlation::none,
                                      "same as the output"};
      } else if (!plan_.tensors[input.index]) {
        Quantization quantization = activation_quantization(range_of_constant(input));
        if (op.is<tflite::Add>() || op.is<tflite::Sub>()) {
          quantization = with_scale_at_least(quantization, scale_of(op.outputs[0]) / 1023.0f);
        }
        plan_.tensors[input.index] = {TensorRole::activation, std::move(quantization), Correlation::none,
                                      "its own values"};
      }
    }
  }

  Range range_of_constant(TensorId tensor) const {
    const Tensor constant = graph_[tensor].as_tensor();
    const auto values = constant.as<float>();
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    return low == values.end() ? Range{} : Range{*low, *high};
  }

  /// Neighbouring pixels always go together; in a picture, which only a PAD may part from the convolution,
  /// colours too.
  Correlation correlation_at(const TfliteOperator& op, const WeightsRule& rule) const {
    const Shape& shape = graph_[op.inputs[rule.input]].shape;
    const bool spatial = shape.size() == 4 && shape[1] * shape[2] > 1;
    if (!spatial || op.is<tflite::TransposeConv>()) return Correlation::none;
    TensorId input = data_input(op, rule);
    while (graph_.producer(input).exists() && graph_[graph_.producer(input)].is<tflite::Pad>()) {
      input = graph_[graph_.producer(input)].inputs[0];
    }
    const bool picture = graph_.is_input(input) && op.is<tflite::Conv2D>();
    return picture ? Correlation::whole_filter : Correlation::taps_of_channel;
  }

  void plan_weights(const TfliteOperator& op, const WeightsRule& rule) {
    const TensorId weights = op.inputs[rule.input];
    const float input_scale = scale_of(data_input(op, rule));
    std::vector<float> bias_values;
    const bool has_bias = op.inputs.size() > rule.bias && op.inputs[rule.bias].exists();
    if (has_bias) bias_values = to_float(graph_[op.inputs[rule.bias]].as_tensor());

    Quantization quantization;
    quantization.scales = weight_scales(graph_[weights].as_tensor(), rule.axis, bias_values, input_scale);
    quantization.zero_points.assign(quantization.scales.size(), 0);
    quantization.axis = rule.axis;
    if (has_bias) {
      Quantization bias{{}, quantization.zero_points, 0};
      for (const float scale : quantization.scales) bias.scales.push_back(input_scale * scale);
      plan_.tensors[op.inputs[rule.bias].index] = {TensorRole::bias, std::move(bias), Correlation::none,
                                                   "input scale times weight scale"};
    }
    plan_.tensors[weights.index] = {TensorRole::weights, std::move(quantization), correlation_at(op, rule),
                                    "per channel, symmetric"};
  }

  const TfliteGraph& graph_;
  const Ranges& ranges_;
  SharedQuantization shared_;
  std::set<OperatorId> float_operators_;
  Plan plan_;
};

}  // namespace

DType dtype_of(TensorRole role) {
  return role == TensorRole::bias ? DType::int32 : DType::int8;
}

std::vector<TensorId> tensors_to_observe(const TfliteGraph& graph) {
  std::vector<TensorId> observed;
  for (const TensorId input : graph.inputs()) {
    if (is_activation(graph, input)) observed.push_back(input);
  }
  for (const OperatorId id : graph.nodes()) {
    const OutputRange rule = rule_of(graph, id).output;
    if (rule != OutputRange::own_range && rule != OutputRange::keep_float) continue;
    for (const TensorId output : graph[id].outputs) {
      if (is_activation(graph, output)) observed.push_back(output);
    }
  }
  return observed;
}

Plan make_plan(const TfliteGraph& graph, const Ranges& ranges) {
  return Planner(graph, ranges).run();
}

}  // namespace calib8
