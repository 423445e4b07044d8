#include "onnx_graph/emitter.h"

#include <utility>

namespace calib8 {
namespace {

using Integers = std::vector<std::int64_t>;

}  // namespace

OnnxWindow OnnxWindow::square(std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
  return {{kernel, kernel}, {stride, stride}, Integers(4, padding), {1, 1}};
}

std::string OnnxEmitter::free_name(std::string_view wanted) {
  return graph_.free_name(wanted, '#', 2);
}

OnnxValueId OnnxEmitter::input(std::string_view name, OnnxType type) {
  const OnnxValueId id = graph_.add_value({free_name(name), std::move(type), std::nullopt});
  std::vector<OnnxValueId> all = graph_.inputs();
  all.push_back(id);
  graph_.set_inputs(std::move(all));
  return id;
}

OnnxValueId OnnxEmitter::constant(std::string_view name, Tensor tensor) {
  return graph_.add_constant(free_name(name), std::move(tensor));
}

OnnxValueId OnnxEmitter::number(std::string_view name, float value) {
  return constant(name, make_tensor<float>({}, {value}));
}

OnnxValueId OnnxEmitter::integers(std::string_view name, std::vector<std::int64_t> values) {
  const Shape shape{static_cast<std::int64_t>(values.size())};
  return constant(name, make_tensor(shape, std::move(values)));
}

OnnxValueId OnnxEmitter::value(std::string_view name) {
  return graph_.add_value({free_name(name), std::nullopt, std::nullopt});
}

OnnxValueId OnnxEmitter::emit(std::string op_type, std::string_view name, std::vector<OnnxValueId> inputs,
                              std::map<std::string, OnnxAttribute> attributes) {
  return graph_.emit(std::move(op_type), free_name(name), std::move(inputs), std::move(attributes));
}

OnnxValueId OnnxEmitter::convolution(std::string_view name, OnnxValueId x, OnnxValueId weights,
                                     OnnxValueId bias, const OnnxWindow& window, std::int64_t groups) {
  std::vector<OnnxValueId> inputs{x, weights};
  if (bias.exists()) inputs.push_back(bias);
  return emit("Conv", name, std::move(inputs),
              {{"kernel_shape", window.kernel},
               {"strides", window.strides},
               {"pads", window.pads},
               {"dilations", window.dilations},
               {"group", groups}});
}

OnnxValueId OnnxEmitter::batch_normalization(std::string_view name, OnnxValueId x,
                                             const Normalization& parameters) {
  return emit("BatchNormalization", name,
              {x, parameters.scale, parameters.shift, parameters.mean, parameters.variance},
              {{"epsilon", parameters.epsilon}});
}

OnnxValueId OnnxEmitter::linear(std::string_view name, OnnxValueId x, OnnxValueId weights, OnnxValueId bias) {
  std::vector<OnnxValueId> inputs{x, weights};
  if (bias.exists()) inputs.push_back(bias);
  return emit("Gemm", name, std::move(inputs), {{"transB", std::int64_t{1}}});
}

OnnxValueId OnnxEmitter::max_pool(std::string_view name, OnnxValueId x, const OnnxWindow& window) {
  return emit("MaxPool", name, {x},
              {{"kernel_shape", window.kernel}, {"strides", window.strides}, {"pads", window.pads}});
}

OnnxValueId OnnxEmitter::clip(std::string_view name, OnnxValueId x, float lowest, float highest) {
  const std::string base(name);
  const OnnxValueId from = number(base + ".min", lowest), to = number(base + ".max", highest);
  return emit("Clip", name, {x, from, to});
}

OnnxValueId OnnxEmitter::hard_sigmoid(std::string_view name, OnnxValueId x, float alpha, float beta) {
  return emit("HardSigmoid", name, {x}, {{"alpha", alpha}, {"beta", beta}});
}

OnnxValueId OnnxEmitter::flatten(std::string_view name, OnnxValueId x, std::int64_t axis) {
  return emit("Flatten", name, {x}, {{"axis", axis}});
}

}  // namespace calib8
