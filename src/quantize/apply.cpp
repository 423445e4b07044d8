#include "quantize/apply.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/parallel.h"
#include "calib8/error.h"
#include "quantize/round.h"
#include "quantize/scale.h"

namespace calib8 {
namespace {

std::vector<std::int32_t> quantize_bias(std::span<const float> values, const Quantization& quantization) {
  std::vector<std::int32_t> levels(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double level = std::nearbyint(static_cast<double>(values[i]) / quantization.scales[i]);
    constexpr double limit = 1073741824.0;  // 2^30: weight_scales() has left this room
    levels[i] = static_cast<std::int32_t>(std::clamp(level, -limit, limit));
  }
  return levels;
}

Data quantized_constant(const TfliteTensor& tensor, const TensorPlan& plan) {
  const Tensor constant = tensor.as_tensor();
  const auto values = constant.as<float>();
  const Quantization& quantization = plan.quantization;
  switch (plan.role) {
    case TensorRole::weights:
      return Data::from_vector(round_weights(constant, quantization, plan.correlation));
    case TensorRole::bias:
      return Data::from_vector(quantize_bias(values, quantization));
    case TensorRole::activation:
      return Data::from_vector(
          quantize_values(values, quantization.scales.front(), quantization.zero_points.front()));
  }
  throw Error(ErrorCode::internal, "not a TensorRole", tensor.name);
}

/// A new tensor like another but of another type, not yet written by any operator.
TensorId tensor_like(TfliteGraph& graph, TensorId model, std::string_view suffix, DType dtype,
                     std::optional<Quantization> quantization) {
  TfliteTensor fresh{graph[model].name + std::string(suffix), dtype, graph[model].shape,
                     std::move(quantization), std::nullopt};
  return graph.add_value(std::move(fresh));
}

void requantize_input(TfliteGraph& graph, const Requantization& change) {
  const TensorId source = graph[change.reader].inputs[change.position];
  const TensorId changed = tensor_like(graph, source, ".requantized", DType::int8, change.quantization);
  graph.insert_before(change.reader, {tflite::Quantize{}, {source}, {changed}});
  graph.set_input(change.reader, change.position, changed);
}

/// DEQUANTIZE before each activation that the operator reads, QUANTIZE behind what it writes.
void isolate_in_float(TfliteGraph& graph, OperatorId id, const Plan& plan) {
  for (std::size_t position = 0; position < graph[id].inputs.size(); ++position) {
    const TensorId input = graph[id].inputs[position];
    if (!input.exists() || graph.is_constant(input) || graph[input].dtype != DType::int8) continue;
    const TensorId real = tensor_like(graph, input, ".float", DType::float32, std::nullopt);
    graph.insert_before(id, {tflite::Dequantize{}, {input}, {real}});
    graph.set_input(id, position, real);
  }
  for (std::size_t position = 0; position < graph[id].outputs.size(); ++position) {
    const TensorId output = graph[id].outputs[position];
    if (output.index >= plan.tensors.size() || !plan.tensors[output.index]) continue;
    const TensorId real = tensor_like(graph, output, ".float", DType::float32, std::nullopt);
    graph.set_output(id, position, real);
    graph.insert_after(id, {tflite::Quantize{}, {real}, {output}});
  }
}

/// uint8 shares int8's scale; its zero point is 128 higher.
std::optional<Quantization> edge_quantization(const Quantization& inner, ModelIo io) {
  if (io == ModelIo::float32) return std::nullopt;
  return per_tensor(inner.scales.front(), inner.zero_points.front() + 128);
}

void convert_edges(TfliteGraph& graph, ModelIo io) {
  if (io == ModelIo::int8) return;
  const DType dtype = io == ModelIo::uint8 ? DType::uint8 : DType::float32;
  const std::vector<OperatorId> order = graph.nodes();
  std::vector<TensorId> inputs = graph.inputs();
  for (TensorId& input : inputs) {
    if (graph[input].dtype != DType::int8) continue;
    const TensorId edge =
        tensor_like(graph, input, "", dtype, edge_quantization(*graph[input].quantization, io));
    graph[input].name += ".int8";
    graph.insert_before(order.front(), {tflite::Quantize{}, {edge}, {input}});
    input = edge;
  }
  graph.set_inputs(std::move(inputs));
  std::vector<TensorId> outputs = graph.outputs();
  for (TensorId& output : outputs) {
    if (graph[output].dtype != DType::int8) continue;
    const TensorId edge =
        tensor_like(graph, output, "", dtype, edge_quantization(*graph[output].quantization, io));
    graph[output].name += ".int8";
    const tflite::Options options =
        io == ModelIo::uint8 ? tflite::Options(tflite::Quantize{}) : tflite::Options(tflite::Dequantize{});
    graph.append({options, {output}, {edge}});
    output = edge;
  }
  graph.set_outputs(std::move(outputs));
}

}  // namespace

void apply_plan(TfliteGraph& graph, const Plan& plan, ModelIo io, int threads) {
  parallel_for(plan.tensors.size(), threads, [&](int, std::size_t index) {
    if (!plan.tensors[index]) return;
    const TensorPlan& planned = *plan.tensors[index];
    TfliteTensor& tensor = graph[graph.value_at(index)];
    if (tensor.is_constant()) tensor.constant = quantized_constant(tensor, planned);
    tensor.dtype = dtype_of(planned.role);
    tensor.quantization = planned.quantization;
  });
  for (const Requantization& change : plan.requantizations) requantize_input(graph, change);
  for (const OperatorId id : plan.float_operators) isolate_in_float(graph, id, plan);
  convert_edges(graph, io);
}

}  // namespace calib8
