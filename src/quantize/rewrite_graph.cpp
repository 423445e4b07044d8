#include "quantize/rewrite_graph.h"

#include <map>

#include "quantize/insert_conversions.h"

namespace calib8 {
namespace {

void set_types(TfliteGraph& graph, const Plan& plan) {
  for (std::size_t index = 0; index < plan.tensors.size(); ++index) {
    if (!plan.tensors[index] || plan.tensors[index]->dtype == DType::float32) continue;
    TfliteTensor& tensor = graph[graph.value_at(index)];
    tensor.dtype = plan.tensors[index]->dtype;
    tensor.quantization = plan.tensors[index]->quantization;
  }
}

/// The first form of a constant that nobody reads in float takes its place; others stand beside it.
void place_constants(TfliteGraph& graph, std::vector<RoundedConstant> constants) {
  std::map<TensorId, std::size_t> left;  // Reads that no form has taken over.
  for (const RoundedConstant& constant : constants) {
    const auto [reads, is_new] = left.try_emplace(constant.source, 0);
    if (is_new)
      reads->second = graph.users(constant.source).size() + (graph.is_output(constant.source) ? 1 : 0);
    reads->second -= constant.operands.size();
  }
  std::map<TensorId, int> copies;
  for (RoundedConstant& constant : constants) {
    const TensorId source = constant.source;
    TfliteTensor form{graph[source].name, constant.plan.dtype, graph[source].shape,
                      std::move(constant.plan.quantization), std::move(constant.elements)};
    const int number = copies[source]++;
    if (number == 0 && left[source] == 0) {
      graph[source] = std::move(form);
      continue;
    }
    form.name += "." + std::to_string(number);
    const TensorId copy = graph.add_value(std::move(form));
    for (const Operand& operand : constant.operands) graph.set_input(operand.reader, operand.position, copy);
  }
}

/// The kernel's default takes int16 scales for powers of two.
void allow_any_int16_scale(TfliteGraph& graph) {
  for (const OperatorId id : graph.nodes()) {
    TfliteOperator& op = graph[id];
    if (graph[op.outputs.at(0)].dtype != DType::int16) continue;
    if (auto* sum = op.get_if<tflite::Add>()) sum->power_of_two_int16 = false;
    if (auto* difference = op.get_if<tflite::Sub>()) difference->power_of_two_int16 = false;
  }
}

}  // namespace

void rewrite_graph(TfliteGraph& graph, const Plan& plan, std::vector<RoundedConstant> constants, DType io) {
  set_types(graph, plan);
  place_constants(graph, std::move(constants));
  insert_conversions(graph, plan, io);
  allow_any_int16_scale(graph);
}

}  // namespace calib8
