#include "tflite_graph/tflite_graph.h"

#include <type_traits>

namespace calib8 {
namespace {

template <class Operator>
auto* find_activation(Operator& op) {
  using Found = std::conditional_t<std::is_const_v<Operator>, const tflite::Activation, tflite::Activation>;
  return std::visit(
      [](auto& options) -> Found* {
        using Op = std::decay_t<decltype(options)>;
        // CONCATENATION has the field, but XNNPACK ignores it and the builtin kernel refuses it; pools keep
        // theirs empty, as Edge TPU wants none there.
        constexpr bool fuses =
            std::is_same_v<Op, tflite::Conv2D> || std::is_same_v<Op, tflite::DepthwiseConv2D> ||
            std::is_same_v<Op, tflite::TransposeConv> || std::is_same_v<Op, tflite::FullyConnected> ||
            std::is_base_of_v<tflite::FusableBinary, Op>;
        if constexpr (fuses) {
          return &options.activation;
        } else {
          return nullptr;
        }
      },
      op.options);
}

}  // namespace

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

tflite::Activation* fused_activation(TfliteOperator& op) {
  return find_activation(op);
}
const tflite::Activation* fused_activation(const TfliteOperator& op) {
  return find_activation(op);
}

}  // namespace calib8
