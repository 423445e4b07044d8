#include "quantize/insert_conversions.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace calib8 {
namespace {

/// A type and its quantization; nothing: float32.
using Form = std::optional<std::pair<DType, Quantization>>;

Form form_of(const TensorPlan& plan) {
  if (plan.dtype == DType::float32) return std::nullopt;
  return std::pair(plan.dtype, plan.quantization);
}

class Converter {
 public:
  Converter(TfliteGraph& graph, const Plan& plan, DType io)
      : graph_(graph), plan_(plan), io_(io), order_(graph.nodes()) {
    std::size_t count = 0;
    for (const OperatorId id : order_) count = std::max<std::size_t>(count, id.index + 1);
    is_float_operator_.assign(count, false);
    for (const FloatOperator& op : plan.float_operators) is_float_operator_[op.id.index] = true;
  }

  void run() {
    note_wanted_forms();
    convert_inputs();
    for (const OperatorId id : order_) convert_outputs_of(id);
    for (const OperatorId id : order_) convert_operands_of(id);
    convert_outputs();
  }

 private:
  const TensorPlan* planned(TensorId tensor) const {
    if (!tensor.exists() || tensor.index >= plan_.tensors.size() || !plan_.tensors[tensor.index])
      return nullptr;
    return &*plan_.tensors[tensor.index];
  }
  Form own_form(TensorId tensor) const { return form_of(*planned(tensor)); }

  Form wanted_form(OperatorId id, std::size_t position, TensorId input) const {
    if (is_float_operator_[id.index]) return std::nullopt;
    const auto operand = plan_.operands.find({id, position});
    return operand == plan_.operands.end() ? own_form(input) : form_of(operand->second);
  }

  /// Float comes out of a float operator, and in from outside where the model's inputs are float.
  bool begins_in_float(TensorId tensor) const {
    const OperatorId producer = graph_.producer(tensor);
    return producer.exists() ? is_float_operator_[producer.index] : io_ == DType::float32;
  }

  void note_wanted_forms() {
    wants_own_form_.assign(graph_.value_count(), false);
    for (const OperatorId id : order_) {
      for (std::size_t position = 0; position < graph_[id].inputs.size(); ++position) {
        const TensorId input = graph_[id].inputs[position];
        if (planned(input) && own_form(input) && wanted_form(id, position, input) == own_form(input))
          wants_own_form_[input.index] = true;
      }
    }
    for (const TensorId output : graph_.outputs()) {
      if (planned(output) && own_form(output) && !goes_out_in_float(output))
        wants_own_form_[output.index] = true;
    }
  }

  bool goes_out_in_float(TensorId output) const {
    return io_ == DType::float32 || plan_.float_outputs.contains(output);
  }

  TensorId add_form(TensorId tensor, const std::string& name, const Form& form) {
    TfliteTensor fresh{name, form ? form->first : DType::float32, graph_[tensor].shape, std::nullopt,
                       std::nullopt};
    if (form) fresh.quantization = form->second;
    return graph_.add_value(std::move(fresh));
  }

  std::string suffix(TensorId tensor) const { return "." + std::string(name_of(planned(tensor)->dtype)); }

  void convert_inputs() {
    const OperatorId first = order_.empty() ? OperatorId{} : order_.front();
    std::vector<TensorId> inputs = graph_.inputs();
    for (TensorId& input : inputs) {
      if (!planned(input)) continue;
      if (begins_in_float(input) && !wants_own_form_[input.index]) {
        make_float(input);
        continue;
      }
      const Form outer = edge_form(input);
      if (outer == own_form(input)) continue;
      const TensorId edge = add_form(input, graph_[input].name, outer);
      graph_[input].name += suffix(input);
      insert(first, {tflite::Quantize{}, {edge}, {input}});
      if (!outer) float_forms_[input] = edge;
      input = edge;
    }
    graph_.set_inputs(std::move(inputs));
  }

  /// In front of `next`, or behind all others where there is none.
  void insert(OperatorId next, TfliteOperator op) {
    if (next.exists()) {
      graph_.insert_before(next, std::move(op));
    } else {
      graph_.append(std::move(op));
    }
  }

  /// uint8 shares int8's scale; its zero point is 128 higher.
  Form edge_form(TensorId tensor) const {
    const Form own = own_form(tensor);
    if (!own || io_ == DType::float32) return std::nullopt;
    if (io_ != DType::uint8 || own->first != DType::int8) return own;
    const Quantization& inner = own->second;
    return std::pair(DType::uint8, per_tensor(inner.scales.front(), inner.zero_points.front() + 128));
  }

  void make_float(TensorId tensor) {
    graph_[tensor].dtype = DType::float32;
    graph_[tensor].quantization.reset();
    float_forms_[tensor] = tensor;
  }

  void convert_outputs_of(OperatorId id) {
    if (!is_float_operator_[id.index]) return;
    for (std::size_t position = 0; position < graph_[id].outputs.size(); ++position) {
      const TensorId output = graph_[id].outputs[position];
      if (!planned(output)) continue;
      if (!wants_own_form_[output.index]) {
        make_float(output);
        continue;
      }
      const TensorId unrounded = add_form(output, graph_[output].name + ".float", std::nullopt);
      graph_.set_output(id, position, unrounded);
      graph_.insert_after(id, {tflite::Quantize{}, {unrounded}, {output}});
      float_forms_[output] = unrounded;
    }
  }

  void convert_operands_of(OperatorId id) {
    for (std::size_t position = 0; position < graph_[id].inputs.size(); ++position) {
      const TensorId input = graph_[id].inputs[position];
      if (!planned(input)) continue;
      const auto operand = plan_.operands.find({id, position});
      if (operand != plan_.operands.end() && operand->second.by_way_of_float && !is_float_operator_[id.index])
        in_form(input, std::nullopt, id);
      const TensorId wanted = in_form(input, wanted_form(id, position, input), id);
      if (wanted != input) graph_.set_input(id, position, wanted);
    }
  }

  /// The tensor in that form; a conversion to it stands before the first reader that wants it.
  TensorId in_form(TensorId tensor, const Form& wanted, OperatorId next) {
    const auto unrounded = float_forms_.find(tensor);
    if (!wanted && unrounded != float_forms_.end()) return unrounded->second;
    if (wanted && wanted == own_form(tensor)) return tensor;
    const TensorId source = unrounded == float_forms_.end() ? tensor : unrounded->second;
    if (!wanted) {
      const TensorId fresh = add_form(tensor, graph_[tensor].name + ".float", std::nullopt);
      insert(next, {tflite::Dequantize{}, {source}, {fresh}});
      float_forms_[tensor] = fresh;
      return fresh;
    }
    auto& known = converted_[tensor];
    for (const auto& [form, converted] : known) {
      if (form == wanted) return converted;
    }
    const TensorId fresh = add_form(tensor, graph_[tensor].name + ".requantized", wanted);
    insert(next, {tflite::Quantize{}, {source}, {fresh}});
    known.emplace_back(wanted, fresh);
    return fresh;
  }

  void convert_outputs() {
    std::vector<TensorId> outputs = graph_.outputs();
    std::map<TensorId, TensorId> edges;
    for (TensorId& output : outputs) {
      if (!planned(output)) continue;
      const auto [edge, is_new] = edges.try_emplace(output, output);
      if (is_new) edge->second = output_edge(output);
      output = edge->second;
    }
    graph_.set_outputs(std::move(outputs));
  }

  /// The tensor that is given out; it has the name.
  TensorId output_edge(TensorId output) {
    const std::string name = graph_[output].name;
    const Form outer = goes_out_in_float(output) ? std::nullopt : edge_form(output);
    TensorId edge = output;
    if (!outer) {
      edge = in_form(output, outer, {});
    } else if (outer != own_form(output)) {
      edge = add_form(output, name, outer);
      graph_.append({tflite::Quantize{}, {output}, {edge}});
    }
    if (edge == output || graph_.is_input(edge)) return edge;
    graph_[output].name = name + suffix(output);
    graph_[edge].name = name;
    return edge;
  }

  TfliteGraph& graph_;
  const Plan& plan_;
  DType io_;
  std::vector<OperatorId> order_;
  std::vector<bool> is_float_operator_;  ///< By OperatorId::index.
  std::vector<bool> wants_own_form_;     ///< By TensorId::index: something reads the planned integers.
  std::map<TensorId, TensorId> float_forms_;
  std::map<TensorId, std::vector<std::pair<Form, TensorId>>> converted_;
};

}  // namespace

void insert_conversions(TfliteGraph& graph, const Plan& plan, DType io) {
  Converter(graph, plan, io).run();
}

}  // namespace calib8
