#include "ops/xnnpack.h"

#include <algorithm>
#include <cmath>

namespace calib8 {
namespace {

constexpr std::size_t most_dimensions = 6;

template <class Tensors>
std::optional<DType> common_type(const Tensors& tensors) {
  const auto all = [&](auto&& holds) { return std::all_of(tensors.begin(), tensors.end(), holds); };
  if (!all([](const TfliteTensor* t) { return t->shape.size() <= most_dimensions; })) return std::nullopt;
  if (all([](const TfliteTensor* t) { return t->dtype == DType::float32; })) return DType::float32;
  if (all([](const TfliteTensor* t) { return is_quantized(*t, DType::int8); })) return DType::int8;
  return std::nullopt;
}

/// The tensors of real numbers that the operator reads and writes; nothing where it reads integers that
/// aren't known when the model is loaded.
std::optional<std::vector<const TfliteTensor*>> real_tensors(const TfliteGraph& graph,
                                                             const TfliteOperator& op) {
  std::vector<const TfliteTensor*> tensors;
  for (const TensorId input : op.inputs) {
    if (!input.exists()) return std::nullopt;
    if (graph[input].dtype != DType::int32) {
      tensors.push_back(&graph[input]);
    } else if (!graph.is_constant(input)) {
      return std::nullopt;
    }
  }
  for (const TensorId output : op.outputs) tensors.push_back(&graph[output]);
  return tensors;
}

}  // namespace

const TfliteTensor& input_of(const TfliteGraph& graph, const TfliteOperator& op, std::size_t position) {
  return graph[op.inputs.at(position)];
}

const TfliteTensor& output_of(const TfliteGraph& graph, const TfliteOperator& op, std::size_t position) {
  return graph[op.outputs.at(position)];
}

bool is_quantized(const TfliteTensor& tensor, DType dtype) {
  const float scale = scale_of(tensor);
  return tensor.dtype == dtype && scale > 0 && std::isnormal(scale) &&
         tensor.quantization->zero_points.size() == 1 && tensor.quantization->axis == 0;
}

bool has_same_quantization(const TfliteTensor& a, const TfliteTensor& b) {
  return a.quantization == b.quantization;
}

float scale_of(const TfliteTensor& tensor) {
  return tensor.quantization && tensor.quantization->scales.size() == 1 ? tensor.quantization->scales[0]
                                                                        : 0.0f;
}

std::optional<DType> xnnpack_type(std::initializer_list<const TfliteTensor*> tensors) {
  return common_type(tensors);
}

std::optional<DType> xnnpack_type(const TfliteGraph& graph, const TfliteOperator& op) {
  const auto tensors = real_tensors(graph, op);
  return tensors ? common_type(*tensors) : std::nullopt;
}

bool xnnpack_float_only(const TfliteGraph& graph, const TfliteOperator& op) {
  return xnnpack_type(graph, op) == DType::float32;
}

bool xnnpack_any_scales(const TfliteGraph& graph, const TfliteOperator& op) {
  return xnnpack_type(graph, op).has_value();
}

bool xnnpack_moves_bytes(const TfliteGraph& graph, const TfliteOperator& op) {
  const auto tensors = real_tensors(graph, op);
  if (!tensors) return false;
  const auto type = common_type(*tensors);
  const auto is_same = [&](const TfliteTensor* t) { return has_same_quantization(*t, *tensors->front()); };
  return type == DType::float32 ||
         (type == DType::int8 && std::all_of(tensors->begin(), tensors->end(), is_same));
}

bool xnnpack_never(const TfliteGraph&, const TfliteOperator&) {
  return false;
}

std::string_view release_of(int version, std::initializer_list<std::string_view> releases) {
  const auto index =
      std::clamp<std::size_t>(static_cast<std::size_t>(std::max(version, 1)), 1, releases.size());
  return releases.begin()[index - 1];
}

}  // namespace calib8
