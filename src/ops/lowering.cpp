#include "ops/lowering.h"

#include <algorithm>
#include <limits>

#include "calib8/error.h"
#include "ops/module_name.h"

namespace calib8 {
namespace {

Tensor lowered_constant(const NodeView& view, const OnnxValue& value) {
  const Tensor& tensor = *value.constant;
  const DType dtype = lowered_dtype(tensor.dtype);
  if (dtype == tensor.dtype) return tensor;
  if (dtype == DType::float32) return make_tensor(tensor.shape, to_float(tensor));
  std::vector<std::int32_t> values;
  values.reserve(static_cast<std::size_t>(tensor.count()));
  for (const std::int64_t element : to_int64(tensor)) {
    if (element < std::numeric_limits<std::int32_t>::min() ||
        element > std::numeric_limits<std::int32_t>::max()) {
      view.fail("its constant '" + value.name + "' holds " + std::to_string(element) +
                ", which doesn't fit TFLite's int32");
    }
    values.push_back(static_cast<std::int32_t>(element));
  }
  return make_tensor(tensor.shape, std::move(values));
}

/// The module whose parameter "weight" the node's second input is: it says more than the names that torch's
/// newer exporter gives results, such as "conv2d_3".
std::optional<std::string> module_of_weights(const NodeView& view) {
  constexpr std::string_view suffix = ".weight";
  if (!view.constant(1)) return std::nullopt;
  const std::string& name = view.graph[view.node.inputs[1]].name;
  if (!name.ends_with(suffix) || name.size() == suffix.size()) return std::nullopt;
  return name.substr(0, name.size() - suffix.size());
}

}  // namespace

DType lowered_dtype(DType dtype) {
  switch (dtype) {
    case DType::float64:
    case DType::float16:
    case DType::bfloat16:
      return DType::float32;
    case DType::int64:
    case DType::uint64:
    case DType::uint32:
    case DType::uint16:
      return DType::int32;
    default:
      return dtype;
  }
}

bool fits_tflite(const Shape& shape) {
  constexpr std::size_t most_dimensions = 8;
  const auto count = element_count(shape);
  const auto fits = [](std::int64_t size) { return size <= std::numeric_limits<std::int32_t>::max(); };
  return shape.size() <= most_dimensions && count && fits(*count) &&
         std::all_of(shape.begin(), shape.end(), fits);
}

TensorId Lowering::input(std::size_t position) {
  if (!has_input(position)) fail("input " + std::to_string(position) + " is missing");
  const OnnxValueId id = node.inputs[position];
  TensorId& tensor = tensors_.at(id.index);
  if (tensor.exists()) return tensor;
  const OnnxValue& value = graph[id];
  if (!value.constant) {
    throw Error(ErrorCode::internal, "lowering reads '" + value.name + "' before it was made", node.name);
  }
  tensor = target.add_constant(value.name, lowered_constant(*this, value));
  return tensor;
}

void Lowering::set_output(std::size_t position, TensorId tensor) {
  if (target[tensor].shape != output_shape(position)) {
    throw Error(ErrorCode::internal,
                "lowered to shape " + to_string(target[tensor].shape) + ", inferred " +
                    to_string(output_shape(position)),
                node.op_type + " node '" + node.name + "'");
  }
  tensors_.at(node.outputs.at(position).index) = tensor;
}

Shape Lowering::output_shape(std::size_t position) const {
  const OnnxValue& value = graph[node.outputs.at(position)];
  if (!value.type || !value.type->is_static()) fail("the shape of its output is not fully known");
  return value.type->static_shape();
}

std::string Lowering::tensor_name(std::string_view part) const {
  const std::string& result =
      node.outputs.empty() || !node.outputs[0].exists() ? node.name : graph[node.outputs[0]].name;
  std::string name = result;
  if (result.starts_with('/')) {
    name = module_name(result, node.op_type);
  } else if (const auto module = module_of_weights(*this)) {
    name = *module;
  }
  if (!part.empty()) name += "/" + std::string(part);
  return name;
}

TensorId Lowering::emit(tflite::Options options, std::vector<TensorId> inputs, Shape shape,
                        std::string_view part) {
  if (!fits_tflite(shape))
    fail("needs a tensor of shape " + to_string(shape) + ", larger than one of TFLite can be");
  DType dtype = DType::float32;
  if (!node.outputs.empty() && node.outputs[0].exists() && graph[node.outputs[0]].type) {
    dtype = lowered_dtype(graph[node.outputs[0]].type->dtype);
  }
  return target.emit(std::move(options), std::move(inputs), tensor_name(part), std::move(shape), dtype);
}

TensorId Lowering::emit_transpose(TensorId tensor, const std::vector<std::int32_t>& permutation) {
  const Shape from = target[tensor].shape;
  Shape to;
  bool moves = false;
  for (std::size_t i = 0; i < permutation.size(); ++i) {
    to.push_back(from.at(static_cast<std::size_t>(permutation[i])));
    moves = moves || permutation[i] != static_cast<std::int32_t>(i);
  }
  if (!moves) return tensor;
  return target.emit(tflite::Transpose{}, {tensor, constant("permutation", permutation)},
                     tensor_name("transpose"), std::move(to), target[tensor].dtype);
}

TensorId Lowering::to_channels_last(TensorId tensor) {
  const auto rank = static_cast<std::int32_t>(target[tensor].shape.size());
  std::vector<std::int32_t> permutation = {0};
  for (std::int32_t axis = 2; axis < rank; ++axis) permutation.push_back(axis);
  permutation.push_back(1);
  return emit_transpose(tensor, permutation);
}

TensorId Lowering::to_channels_first(TensorId tensor) {
  const auto rank = static_cast<std::int32_t>(target[tensor].shape.size());
  std::vector<std::int32_t> permutation = {0, rank - 1};
  for (std::int32_t axis = 1; axis + 1 < rank; ++axis) permutation.push_back(axis);
  return emit_transpose(tensor, permutation);
}

TensorId Lowering::constant(std::string_view part, Tensor tensor) {
  return target.add_constant(tensor_name(part), std::move(tensor));
}

TensorId Lowering::constant(std::string_view part, const std::vector<std::int32_t>& values) {
  return target.add_constant(tensor_name(part), values);
}

}  // namespace calib8
