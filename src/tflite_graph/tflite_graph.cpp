#include "tflite_graph/tflite_graph.h"

namespace calib8 {

Quantization per_tensor(float scale, std::int64_t zero_point) {
  return {{scale}, {zero_point}, 0};
}

TensorId TfliteGraph::add_constant(std::string name, Tensor tensor) {
  return add_value(
      {std::move(name), tensor.dtype, std::move(tensor.shape), std::nullopt, std::move(tensor.data)});
}

TensorId TfliteGraph::add_constant(std::string name, const std::vector<std::int32_t>& values) {
  return add_constant(std::move(name), make_tensor({static_cast<std::int64_t>(values.size())}, values));
}

TensorId TfliteGraph::emit(tflite::Options options, std::vector<TensorId> operator_inputs,
                           std::string output_name, Shape shape, DType dtype) {
  const TensorId output =
      add_value({std::move(output_name), dtype, std::move(shape), std::nullopt, std::nullopt});
  append({std::move(options), std::move(operator_inputs), {output}});
  return output;
}

std::vector<std::int64_t> TfliteGraph::constant_integers(TensorId id) const {
  return to_int64((*this)[id].as_tensor());
}

}  // namespace calib8
