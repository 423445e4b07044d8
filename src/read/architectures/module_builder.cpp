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
  std::string name = prefix_ + std::string(module) + "." + std::string(parameter_name);
  expected_.push_back({name, shape});
  const Tensor* tensor = tensors_ ? tensors_->find(name) : nullptr;
  if (!tensor || tensor->shape != shape)
    return graph_.add_value({std::move(name), std::nullopt, std::nullopt});
  return graph_.add_constant(std::move(name), as_float32(*tensor));
}

OnnxValueId ModuleBuilder::emit(std::string op_type, std::string_view module, std::vector<OnnxValueId> inputs,
                                std::map<std::string, OnnxAttribute> attributes) {
  // A module that runs several times, or as several nodes, numbers its values from the second on.
  const std::string base = prefix_ + std::string(module);
  std::string name = base;
  for (int count = 2; !used_names_.insert(name).second; ++count) name = base + "#" + std::to_string(count);
  return graph_.emit(std::move(op_type), std::move(name), std::move(inputs), std::move(attributes));
}

OnnxValueId ModuleBuilder::convolution(OnnxValueId x, std::string_view module, const Convolution& shape) {
  const std::int64_t kernel = shape.kernel;
  const std::int64_t padding = shape.padding >= 0 ? shape.padding : (kernel - 1) / 2;
  std::vector<OnnxValueId> inputs = {
      x, parameter(module, "weight", {shape.out_channels, shape.in_channels / shape.groups, kernel, kernel})};
  if (shape.bias) inputs.push_back(parameter(module, "bias", {shape.out_channels}));
  using Integers = std::vector<std::int64_t>;
  return emit("Conv", module, std::move(inputs),
              {{"kernel_shape", Integers{kernel, kernel}},
               {"strides", Integers{shape.stride, shape.stride}},
               {"pads", Integers(4, padding)},
               {"dilations", Integers{1, 1}},
               {"group", shape.groups}});
}

OnnxValueId ModuleBuilder::batch_norm(OnnxValueId x, std::string_view module, std::int64_t channels,
                                      float epsilon) {
  std::vector<OnnxValueId> inputs = {x};
  for (const char* name : {"weight", "bias", "running_mean", "running_var"}) {
    inputs.push_back(parameter(module, name, {channels}));
  }
  return emit("BatchNormalization", module, std::move(inputs), {{"epsilon", epsilon}});
}

OnnxValueId ModuleBuilder::linear(OnnxValueId x, std::string_view module, std::int64_t in_features,
                                  std::int64_t out_features) {
  const OnnxValueId weight = parameter(module, "weight", {out_features, in_features});
  const OnnxValueId bias = parameter(module, "bias", {out_features});
  return emit("Gemm", module, {x, weight, bias}, {{"transB", std::int64_t{1}}});
}

OnnxValueId ModuleBuilder::relu(OnnxValueId x, std::string_view module) {
  return emit("Relu", module, {x});
}

OnnxValueId ModuleBuilder::relu6(OnnxValueId x, std::string_view module) {
  const std::string base = prefix_ + std::string(module);
  const auto bound = [&](const char* side, float value) {
    return graph_.add_constant(base + side, make_tensor<float>({}, {value}));
  };
  return emit("Clip", module, {x, bound(".min", 0), bound(".max", 6)});
}

OnnxValueId ModuleBuilder::sigmoid(OnnxValueId x, std::string_view module) {
  return emit("Sigmoid", module, {x});
}

OnnxValueId ModuleBuilder::silu(OnnxValueId x, std::string_view module) {
  const OnnxValueId gate = emit("Sigmoid", std::string(module) + ".sigmoid", {x});
  return emit("Mul", module, {x, gate});
}

OnnxValueId ModuleBuilder::hard_sigmoid(OnnxValueId x, std::string_view module) {
  return emit("HardSigmoid", module, {x}, {{"alpha", 1.0f / 6.0f}, {"beta", 0.5f}});
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
  using Integers = std::vector<std::int64_t>;
  return emit("MaxPool", module, {x},
              {{"kernel_shape", Integers{3, 3}}, {"strides", Integers{2, 2}}, {"pads", Integers(4, 1)}});
}

OnnxValueId ModuleBuilder::global_average_pool(OnnxValueId x, std::string_view module) {
  return emit("GlobalAveragePool", module, {x});
}

OnnxValueId ModuleBuilder::flatten(OnnxValueId x, std::string_view module) {
  return emit("Flatten", module, {x}, {{"axis", std::int64_t{1}}});
}

}  // namespace calib8
