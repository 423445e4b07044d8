#include "read/architectures/module_builder.h"

#include "calib8/error.h"

namespace calib8 {
namespace {

/// The weights as the graph holds them: float32.
Tensor as_float32(const Tensor& tensor) {
  if (tensor.dtype == DType::float32) return tensor;
  return make_tensor(tensor.shape, to_float(tensor));
}

}  // namespace

OnnxValueId ModuleBuilder::parameter(std::string_view module, std::string_view parameter_name, Shape shape) {
  std::string name = name_of(module) + "." + std::string(parameter_name);
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

OnnxValueId ModuleBuilder::global_average_pool(OnnxValueId x, std::string_view module) {
  return emit("GlobalAveragePool", module, {x});
}

OnnxValueId ModuleBuilder::flatten(OnnxValueId x, std::string_view module) {
  return emitter_.flatten(name_of(module), x);
}

}  // namespace calib8
