#include "read/onnx/onnx_quantized_numbers.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace calib8 {

bool is_integer(const Tensor& tensor) {
  return !is_floating(tensor.dtype) && tensor.dtype != DType::boolean;
}

std::optional<Tensor> real_numbers(const Tensor& q, const Tensor& scale, const Tensor* zero_point,
                                   std::int64_t axis) {
  const std::vector<float> levels = to_float(q), scales = to_float(scale);
  const std::vector<float> zeros = zero_point ? to_float(*zero_point) : std::vector<float>{0};
  const auto rank = static_cast<std::int64_t>(q.shape.size());
  if (axis < 0) axis += rank;
  std::size_t inner = 1;
  const bool is_per_axis = scales.size() > 1 || zeros.size() > 1;
  if (is_per_axis) {
    if (axis < 0 || axis >= rank) return std::nullopt;
    const auto count = static_cast<std::size_t>(q.shape[static_cast<std::size_t>(axis)]);
    if ((scales.size() != 1 && scales.size() != count) || (zeros.size() != 1 && zeros.size() != count))
      return std::nullopt;
    for (auto i = static_cast<std::size_t>(axis) + 1; i < q.shape.size(); ++i)
      inner *= static_cast<std::size_t>(q.shape[i]);
  }
  if (scales.empty() || zeros.empty()) return std::nullopt;
  const std::size_t count = std::max(scales.size(), zeros.size());
  std::vector<float> values(levels.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t index = i / inner % count;
    values[i] = (levels[i] - zeros[index % zeros.size()]) * scales[index % scales.size()];
  }
  return make_tensor(q.shape, std::move(values));
}

std::optional<Tensor> numbers_of_directions(const Tensor& q, const Tensor& scale, const Tensor* zero_point) {
  const std::vector<float> levels = to_float(q), scales = to_float(scale);
  const std::vector<float> zeros =
      zero_point ? to_float(*zero_point) : std::vector<float>(scales.size(), 0.0f);
  const auto directions = static_cast<std::size_t>(q.shape[0]), rows = static_cast<std::size_t>(q.shape[1]),
             columns = static_cast<std::size_t>(q.shape[2]);
  const auto fits = [&](const std::vector<float>& given) {
    return given.size() == directions || given.size() == directions * columns;
  };
  if (!fits(scales) || !fits(zeros)) return std::nullopt;
  const auto of = [&](const std::vector<float>& given, std::size_t direction, std::size_t column) {
    return given[given.size() == directions ? direction : direction * columns + column];
  };
  std::vector<float> values;
  values.reserve(levels.size());
  for (std::size_t d = 0; d < directions; ++d) {
    for (std::size_t column = 0; column < columns; ++column) {
      for (std::size_t row = 0; row < rows; ++row)
        values.push_back((levels[(d * rows + row) * columns + column] - of(zeros, d, column)) *
                         of(scales, d, column));
    }
  }
  return make_tensor({q.shape[0], q.shape[2], q.shape[1]}, std::move(values));
}

bool is_whole(const OnnxGraph& graph, OnnxValueId value) {
  while (!graph[value].constant) {
    const OnnxNodeId producer = graph.producer(value);
    if (!producer.exists()) return false;
    const OnnxNode& node = graph[producer];
    constexpr std::int64_t int32 = 6, int64 = 7;  // TensorProto's numbers
    if (node.op_type == "Cast") return node.get_int("to", 0) == int32 || node.get_int("to", 0) == int64;
    if (node.op_type != "Reshape" && node.op_type != "Unsqueeze" && node.op_type != "Identity") return false;
    value = node.inputs[0];
  }
  return is_integer(*graph[value].constant);
}

}  // namespace calib8
