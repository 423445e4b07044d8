#include "optimize/rewrite.h"

#include <algorithm>
#include <limits>

#include "calib8/error.h"

namespace calib8 {

bool remove_if_unused(TfliteGraph& graph, OperatorId id) {
  const auto is_unused = [&](OperatorId candidate) {
    if (!candidate.exists() || !graph.is_alive(candidate)) return false;
    const std::vector<TensorId>& outputs = graph[candidate].outputs;
    return std::none_of(outputs.begin(), outputs.end(), [&](TensorId output) {
      return output.exists() && (!graph.users(output).empty() || graph.is_output(output));
    });
  };
  if (!is_unused(id)) return false;
  std::vector<OperatorId> candidates{id};  // A list, not recursion: a file may hold a chain of any length.
  while (!candidates.empty()) {
    const OperatorId candidate = candidates.back();
    candidates.pop_back();
    if (!is_unused(candidate)) continue;
    const std::vector<TensorId> inputs = graph[candidate].inputs;
    graph.remove(candidate);
    for (const TensorId input : inputs) {
      if (input.exists()) candidates.push_back(graph.producer(input));
    }
  }
  return true;
}

bool can_replace(const TfliteGraph& graph, OperatorId id, TensorId replacement) {
  return !graph.is_output(graph[id].outputs.at(0)) ||
         (graph.producer(replacement).exists() && !graph.is_output(replacement));
}

void replace_operator(TfliteGraph& graph, OperatorId id, TensorId replacement) {
  graph.replace_uses(graph[id].outputs.at(0), replacement);
  remove_if_unused(graph, id);
}

TensorId emit_before(TfliteGraph& graph, OperatorId next, tflite::Options options,
                     std::vector<TensorId> inputs, std::string output_name, Shape shape, DType dtype) {
  const TensorId output =
      graph.add_value({std::move(output_name), dtype, std::move(shape), std::nullopt, std::nullopt});
  graph.insert_before(next, {std::move(options), std::move(inputs), {output}});
  return output;
}

TensorId insert_reshape_before(TfliteGraph& graph, OperatorId next, TensorId input, const Shape& shape,
                               std::string output_name) {
  const std::vector<std::int32_t> sizes = to_int32(shape);
  const TensorId constant = graph.add_constant(output_name + "/shape", sizes);
  const TensorId output = emit_before(graph, next, tflite::Reshape{sizes}, {input, constant},
                                      std::move(output_name), shape, graph[input].dtype);
  graph[output].quantization = graph[input].quantization;
  return output;
}

void set_reshape(TfliteGraph& graph, OperatorId id, TensorId input, const Shape& shape) {
  const std::vector<std::int32_t> sizes = to_int32(shape);
  graph.set_inputs_of(id, {input, graph.add_constant(graph[graph[id].outputs[0]].name + "/shape", sizes)});
  graph[id].get_if<tflite::Reshape>()->new_shape = sizes;
}

std::optional<float> uniform_value(const TfliteGraph& graph, TensorId id) {
  if (!id.exists() || !is_float_constant(graph, id)) return std::nullopt;
  const std::span<const float> values = float_values(graph, id);
  if (values.empty()) return std::nullopt;
  if (!std::all_of(values.begin(), values.end(), [&](float value) { return value == values[0]; }))
    return std::nullopt;
  return values[0];
}

bool is_float_constant(const TfliteGraph& graph, TensorId id) {
  return id.exists() && graph.is_constant(id) && graph[id].dtype == DType::float32;
}

std::span<const float> float_values(const TfliteGraph& graph, TensorId id) {
  const std::span<const std::byte> bytes = graph[id].constant->bytes();
  return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
}

namespace {

bool is_integer_constant(const TfliteGraph& graph, TensorId id) {
  if (!id.exists() || !graph.is_constant(id)) return false;
  return graph[id].dtype == DType::int32 || graph[id].dtype == DType::int64;
}

}  // namespace

std::optional<std::vector<std::int64_t>> integers_of(const TfliteGraph& graph, TensorId id,
                                                     std::size_t count) {
  if (!is_integer_constant(graph, id)) return std::nullopt;
  std::vector<std::int64_t> values = graph.constant_integers(id);
  if (values.size() != count) return std::nullopt;
  return values;
}

std::optional<std::vector<std::size_t>> axes_of(const TfliteGraph& graph, TensorId id, std::size_t rank) {
  if (!is_integer_constant(graph, id)) return std::nullopt;
  std::vector<std::size_t> axes;
  for (const std::int64_t value : graph.constant_integers(id)) {
    const auto axis = normalized_axis(value, rank);
    if (!axis) return std::nullopt;
    axes.push_back(*axis);
  }
  return axes;
}

std::vector<std::int32_t> to_int32(const Shape& shape) {
  for (const std::int64_t size : shape) {
    if (size < 0 || size > std::numeric_limits<std::int32_t>::max())
      throw Error(ErrorCode::model, "a tensor of shape " + to_string(shape) + " is too large for TFLite");
  }
  return {shape.begin(), shape.end()};
}

std::optional<std::size_t> normalized_axis(std::int64_t axis, std::size_t rank) {
  const auto size = static_cast<std::int64_t>(rank);
  if (axis < -size || axis >= size) return std::nullopt;
  return static_cast<std::size_t>(axis < 0 ? axis + size : axis);
}

}  // namespace calib8
