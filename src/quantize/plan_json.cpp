#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "quantize/plan.h"

namespace calib8 {
namespace {

using nlohmann::json;

/// The shortest decimal that reads back as the same float32; a double's 17 digits would only make it long.
double shortest(float value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double read = 0;
  std::from_chars(text.data(), end, read);
  return read;
}

std::vector<double> shortest(const std::vector<float>& values) {
  std::vector<double> result;
  for (const float value : values) result.push_back(shortest(value));
  return result;
}

json describe(const TensorPlan& plan, const std::string& name) {
  json entry = {{"name", name}, {"dtype", name_of(plan.dtype)}, {"rule", plan.rule}};
  if (plan.dtype == DType::float32) return entry;
  entry["scales"] = shortest(plan.quantization.scales);
  if (plan.quantization.scales.size() == 1) {
    entry["zero_point"] = plan.quantization.zero_points.front();
  } else {
    entry["axis"] = plan.quantization.axis;
  }
  return entry;
}

class PlanText {
 public:
  PlanText(const Plan& plan, const TfliteGraph& graph, const Ranges& ranges)
      : plan_(plan), graph_(graph), ranges_(ranges), seen_(graph.value_count(), false) {}

  json make() {
    for (const TensorId input : graph_.inputs()) add_activation(input);
    for (const OperatorId id : graph_.nodes()) {
      for (std::size_t position = 0; position < graph_[id].inputs.size(); ++position) {
        add_activation(graph_[id].inputs[position]);
        add_operand(id, position);
      }
      for (const TensorId output : graph_[id].outputs) add_activation(output);
    }
    json kept = json::array();
    for (const FloatOperator& op : plan_.float_operators) {
      kept.push_back({{"operator", name_of(graph_[op.id].options)},
                      {"output", graph_[graph_[op.id].outputs.front()].name},
                      {"reason", op.reason}});
    }
    json joins = json::array();
    for (const UnequalJoin& join : plan_.squeezing_joins) {
      joins.push_back({{"tensor", graph_[graph_[join.id].outputs.front()].name},
                       {"spans", {join.narrowest, join.widest}}});
    }
    return {{"tensors", std::move(tensors_)},
            {"conversions", std::move(conversions_)},
            {"float_operators", std::move(kept)},
            {"squeezing_joins", std::move(joins)}};
  }

 private:
  void add_activation(TensorId id) {
    if (!id.exists() || seen_[id.index] || !plan_.tensors[id.index]) return;
    seen_[id.index] = true;
    json entry = describe(*plan_.tensors[id.index], graph_[id].name);
    if (id.index < ranges_.size() && ranges_[id.index])
      entry["range"] = {shortest(ranges_[id.index]->low), shortest(ranges_[id.index]->high)};
    tensors_.push_back(std::move(entry));
  }

  /// Constants stand among the tensors, once for each form; conversions of activations by themselves.
  void add_operand(OperatorId id, std::size_t position) {
    const auto found = plan_.operands.find({id, position});
    if (found == plan_.operands.end()) return;
    const TensorId input = graph_[id].inputs[position];
    json entry = describe(found->second, graph_[input].name);
    if (graph_.is_constant(input)) {
      if (forms_.insert({input, entry.dump()}).second) tensors_.push_back(std::move(entry));
      return;
    }
    entry["reader"] = graph_[graph_[id].outputs.front()].name;
    conversions_.push_back(std::move(entry));
  }

  const Plan& plan_;
  const TfliteGraph& graph_;
  const Ranges& ranges_;
  std::vector<bool> seen_;
  std::set<std::pair<TensorId, std::string>> forms_;
  json tensors_ = json::array(), conversions_ = json::array();
};

}  // namespace

json to_json(const Plan& plan, const TfliteGraph& graph, const Ranges& ranges) {
  return PlanText(plan, graph, ranges).make();
}

}  // namespace calib8
