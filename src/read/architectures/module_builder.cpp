#include "read/architectures/module_builder.h"

#include "calib8/error.h"

namespace calib8 {
namespace {

/// The weights as the graph holds them: float32.
Tensor as_float32(const Tensor& tensor) {
  if (tensor.dtype == DType::float32) return tensor;
  return make_tensor(tensor.shape, to_float(tensor));
}

/// What adaptive average pooling does along one axis, as a matrix: [to, from], or [from, to] where
/// transposed. Bin i is the mean from floor(i * from / to) up to ceil((i + 1) * from / to).
Tensor averages(std::int64_t from, std::int64_t to, bool transposed) {
  std::vector<float> matrix(static_cast<std::size_t>(from * to), 0.0f);
  for (std::int64_t bin = 0; bin < to; ++bin) {
    const std::int64_t begin = bin * from / to, end = ((bin + 1) * from + to - 1) / to;
    for (std::int64_t at = begin; at < end; ++at) {
      const std::int64_t place = transposed ? at * to + bin : bin * from + at;
      matrix[static_cast<std::size_t>(place)] = 1.0f / static_cast<float>(end - begin);
    }
  }
  return make_tensor(transposed ? Shape{from, to} : Shape{to, from}, std::move(matrix));
}

}  // namespace

OnnxValueId ModuleBuilder::parameter(std::string_view module, std::string_view parameter_name, Shape shape) {
  return parameter(std::string(module) + "." + std::string(parameter_name), std::move(shape));
}

OnnxValueId ModuleBuilder::parameter(std::string_view parameter_name, Shape shape) {
  const std::string name = name_of(parameter_name);
  expected_.push_back({name, shape});
  const Tensor* tensor = tensors_ ? tensors_->find(name) : nullptr;
  if (!tensor || tensor->shape != shape) return emitter_.value(name);
  return emitter_.constant(name, as_float32(*tensor));
}

OnnxValueId ModuleBuilder::emit(std::string op_type, std::string_view module,
                                std::vector<OnnxValueId> inputs) {
  return emitter_.emit(std::move(op_type), name_of(module), std::move(inputs));
}

OnnxValueId ModuleBuilder::convolution(OnnxValueId x, std::string_view module, const Convolution& shape) {
  const std::int64_t kernel = shape.kernel;
  const std::int64_t padding = shape.padding >= 0 ? shape.padding : (kernel - 1) / 2;
  const OnnxValueId weight =
      parameter(module, "weight", {shape.out_channels, shape.in_channels / shape.groups, kernel, kernel});
  const OnnxValueId bias = shape.bias ? parameter(module, "bias", {shape.out_channels}) : OnnxValueId{};
  return emitter_.convolution(name_of(module), x, weight, bias,
                              OnnxWindow::square(kernel, shape.stride, padding), shape.groups);
}

OnnxValueId ModuleBuilder::batch_norm(OnnxValueId x, std::string_view module, std::int64_t channels,
                                      float epsilon) {
  OnnxEmitter::Normalization parameters;
  parameters.scale = parameter(module, "weight", {channels});
  parameters.shift = parameter(module, "bias", {channels});
  parameters.mean = parameter(module, "running_mean", {channels});
  parameters.variance = parameter(module, "running_var", {channels});
  parameters.epsilon = epsilon;
  return emitter_.batch_normalization(name_of(module), x, parameters);
}

OnnxValueId ModuleBuilder::linear(OnnxValueId x, std::string_view module, std::int64_t in_features,
                                  std::int64_t out_features, bool has_bias) {
  const OnnxValueId weight = parameter(module, "weight", {out_features, in_features});
  const OnnxValueId bias = has_bias ? parameter(module, "bias", {out_features}) : OnnxValueId{};
  return emitter_.linear(name_of(module), x, weight, bias);
}

OnnxValueId ModuleBuilder::linear_last(OnnxValueId x, std::string_view module, std::int64_t in_features,
                                       std::int64_t out_features) {
  const OnnxValueId weight = parameter(module, "weight", {out_features, in_features});
  return product(x, module, weight, parameter(module, "bias", {out_features}));
}

OnnxValueId ModuleBuilder::product(OnnxValueId x, std::string_view module, OnnxValueId weight,
                                   OnnxValueId bias) {
  const std::string name(module);
  const OnnxValueId columns = transpose(weight, name + ".transposed", {1, 0});
  return emit("Add", name, {emit("MatMul", name + ".product", {x, columns}), bias});
}

OnnxValueId ModuleBuilder::layer_norm(OnnxValueId x, std::string_view module, std::int64_t size,
                                      float epsilon) {
  const OnnxValueId scale = parameter(module, "weight", {size});
  const OnnxValueId shift = parameter(module, "bias", {size});
  return emitter_.emit("LayerNormalization", name_of(module), {x, scale, shift},
                       {{"axis", std::int64_t{-1}}, {"epsilon", epsilon}});
}

OnnxValueId ModuleBuilder::gelu(OnnxValueId x, std::string_view module) {
  return emit("Gelu", module, {x});
}

OnnxValueId ModuleBuilder::relu(OnnxValueId x, std::string_view module) {
  return emit("Relu", module, {x});
}

OnnxValueId ModuleBuilder::relu6(OnnxValueId x, std::string_view module) {
  return emitter_.clip(name_of(module), x, 0, 6);
}

OnnxValueId ModuleBuilder::sigmoid(OnnxValueId x, std::string_view module) {
  return emit("Sigmoid", module, {x});
}

OnnxValueId ModuleBuilder::silu(OnnxValueId x, std::string_view module) {
  const OnnxValueId gate = emit("Sigmoid", std::string(module) + ".sigmoid", {x});
  return emit("Mul", module, {x, gate});
}

OnnxValueId ModuleBuilder::hard_sigmoid(OnnxValueId x, std::string_view module) {
  return emitter_.hard_sigmoid(name_of(module), x, 1.0f / 6.0f, 0.5f);
}

OnnxValueId ModuleBuilder::hard_swish(OnnxValueId x, std::string_view module) {
  return emit("HardSwish", module, {x});
}

OnnxValueId ModuleBuilder::add(OnnxValueId a, OnnxValueId b, std::string_view module) {
  return emit("Add", module, {a, b});
}

OnnxValueId ModuleBuilder::multiply(OnnxValueId a, OnnxValueId b, std::string_view module) {
  return emit("Mul", module, {a, b});
}

OnnxValueId ModuleBuilder::max_pool(OnnxValueId x, std::string_view module) {
  return emitter_.max_pool(name_of(module), x, OnnxWindow::square(3, 2, 1));
}

OnnxValueId ModuleBuilder::max_pool(OnnxValueId x, std::string_view module, const OnnxWindow& window) {
  return emitter_.max_pool(name_of(module), x, window);
}

OnnxValueId ModuleBuilder::adaptive_average_pool(OnnxValueId x, std::string_view module, Sides from,
                                                 Sides to) {
  if (from == to) return x;
  const std::string name = name_of(module);
  if (from.first % to.first == 0 && from.second % to.second == 0) {
    const std::vector<std::int64_t> window = {from.first / to.first, from.second / to.second};
    return emitter_.emit("AveragePool", name, {x}, {{"kernel_shape", window}, {"strides", window}});
  }
  const OnnxValueId rows = emitter_.constant(name + ".rows", averages(from.first, to.first, false));
  const OnnxValueId columns = emitter_.constant(name + ".columns", averages(from.second, to.second, true));
  return emitter_.emit("MatMul", name, {emitter_.emit("MatMul", name + ".row_means", {rows, x}), columns});
}

OnnxValueId ModuleBuilder::reshape(OnnxValueId x, std::string_view module, std::vector<std::int64_t> shape) {
  const std::string name = name_of(module);
  return emitter_.emit("Reshape", name, {x, emitter_.integers(name + ".shape", std::move(shape))});
}

OnnxValueId ModuleBuilder::transpose(OnnxValueId x, std::string_view module,
                                     std::vector<std::int64_t> permutation) {
  return emitter_.emit("Transpose", name_of(module), {x}, {{"perm", std::move(permutation)}});
}

OnnxValueId ModuleBuilder::global_average_pool(OnnxValueId x, std::string_view module) {
  return emit("GlobalAveragePool", module, {x});
}

OnnxValueId ModuleBuilder::flatten(OnnxValueId x, std::string_view module) {
  return emitter_.flatten(name_of(module), x);
}

}  // namespace calib8
