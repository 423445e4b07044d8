#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "quantize/plan.h"

namespace calib8 {
namespace {

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

}  // namespace

nlohmann::json to_json(const Plan& plan, const TfliteGraph& graph, const Ranges& ranges) {
  nlohmann::json tensors = nlohmann::json::array();
  std::vector<bool> seen(graph.value_count(), false);
  const auto describe = [&](TensorId id) {
    if (!id.exists() || seen[id.index] || !plan.tensors[id.index]) return;
    seen[id.index] = true;
    const TensorPlan& planned = *plan.tensors[id.index];
    nlohmann::json entry = {{"name", graph[id].name},
                            {"dtype", name_of(dtype_of(planned.role))},
                            {"scales", shortest(planned.quantization.scales)},
                            {"rule", planned.because}};
    if (planned.quantization.scales.size() == 1) {
      entry["zero_point"] = planned.quantization.zero_points.front();
    } else {
      entry["axis"] = planned.quantization.axis;
    }
    if (id.index < ranges.size() && ranges[id.index]) {
      entry["range"] = {shortest(ranges[id.index]->low), shortest(ranges[id.index]->high)};
    }
    tensors.push_back(std::move(entry));
  };
  for (const TensorId input : graph.inputs()) describe(input);
  nlohmann::json kept = nlohmann::json::array();
  for (const OperatorId id : graph.nodes()) {
    for (const TensorId input : graph[id].inputs) describe(input);
    for (const TensorId output : graph[id].outputs) describe(output);
  }
  for (const OperatorId id : plan.float_operators) {
    kept.push_back(
        {{"operator", name_of(graph[id].options)}, {"output", graph[graph[id].outputs.front()].name}});
  }
  return {{"tensors", std::move(tensors)}, {"float_operators", std::move(kept)}};
}

}  // namespace calib8
