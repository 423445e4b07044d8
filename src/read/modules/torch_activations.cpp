// torch.nn's activations: torch/nn/modules/activation.py names the attributes, and its documentation the
// formulas.

#include <limits>

#include "read/modules/module_rows.h"

namespace calib8 {
namespace {

constexpr std::string_view activation = "torch.nn.modules.activation";

OnnxValueId relu(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.emit(self, "Relu", {x});
}

OnnxValueId clip(ForwardBuilder& build, const PickledModule& self, OnnxValueId x, double lowest,
                 double highest) {
  return build.emit(self, "Clip",
                    {x, build.number(self, "lowest", lowest), build.number(self, "highest", highest)});
}

OnnxValueId relu6(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return clip(build, self, x, 0, 6);
}

OnnxValueId hardtanh(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return clip(build, self, x, self.number("min_val", -1), self.number("max_val", 1));
}

OnnxValueId leaky_relu(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.emit(self, "LeakyRelu", {x},
                    {{"alpha", static_cast<float>(self.number("negative_slope", 0.01))}});
}

/// One slope for all channels, or one for each: [C] beside [N, C, ...].
OnnxValueId prelu(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  OnnxValueId slope = build.weight(self, "weight");
  const Shape sizes = build.shape(self, x);
  if (build.shape(self, slope) != Shape{1} && sizes.size() > 2) {
    std::vector<std::int64_t> aligned(sizes.size() - 1, 1);
    aligned.front() = -1;
    slope = build.reshape(self, slope, aligned);
  }
  return build.emit(self, "PRelu", {x, slope});
}

template <const char* Operator>
OnnxValueId with_alpha(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.emit(self, Operator, {x}, {{"alpha", static_cast<float>(self.number("alpha", 1))}});
}

template <const char* Operator>
OnnxValueId plain(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.emit(self, Operator, {x});
}

OnnxValueId gelu(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.emit(self, "Gelu", {x}, {{"approximate", self.text("approximate", "none")}});
}

OnnxValueId silu(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.silu(self, x);
}

OnnxValueId hard_sigmoid(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.emit(self, "HardSigmoid", {x}, {{"alpha", 1.0f / 6.0f}, {"beta", 0.5f}});
}

/// log(1 + exp(beta x)) / beta; beyond `threshold` PyTorch takes x itself, which differs by less than
/// float32 tells.
OnnxValueId softplus(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const double beta = self.number("beta", 1);
  if (beta == 1) return build.emit(self, "Softplus", {x});
  const OnnxValueId factor = build.number(self, "beta", beta);
  return build.emit(self, "Div", {build.emit(self, "Softplus", {build.multiply(self, x, factor)}), factor});
}

OnnxValueId tanhshrink(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.emit(self, "Sub", {x, build.emit(self, "Tanh", {x}, {}, "tanh")});
}

/// x - clip(x, -lambda, lambda)
OnnxValueId softshrink(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const double lambda = self.number("lambd", 0.5);
  return build.emit(self, "Sub", {x, clip(build, self, x, -lambda, lambda)});
}

/// -softplus(-x)
OnnxValueId log_sigmoid(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const OnnxValueId negative = build.emit(self, "Neg", {x}, {}, "neg");
  return build.emit(self, "Neg", {build.emit(self, "Softplus", {negative}, {}, "softplus")});
}

/// The dimension that PyTorch takes where none is named.
std::int64_t softmax_axis(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const std::size_t rank = build.shape(self, x).size();
  const std::int64_t axis = self.integer("dim", rank == 0 || rank == 1 || rank == 3 ? 0 : 1);
  const auto dimensions = static_cast<std::int64_t>(rank);
  if (axis < -dimensions || axis >= dimensions || axis == 0 || axis == -dimensions)
    self.fail("runs along dimension " + std::to_string(axis) + " of " + std::to_string(rank) +
              ": export the model to ONNX");
  return axis;
}

template <const char* Operator>
OnnxValueId along_axis(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.emit(self, Operator, {x}, {{"axis", softmax_axis(build, self, x)}});
}

OnnxValueId softmin(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const std::int64_t axis = softmax_axis(build, self, x);
  return build.softmax(self, build.emit(self, "Neg", {x}, {}, "neg"), axis);
}

OnnxValueId softmax_2d(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.softmax(self, x, -3);
}

/// The first half of a dimension times the sigmoid of the second.
OnnxValueId glu(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Shape sizes = build.shape(self, x);
  const auto rank = static_cast<std::int64_t>(sizes.size());
  std::int64_t axis = self.integer("dim", -1);
  if (axis < 0) axis += rank;
  if (axis < 1 || axis >= rank || sizes[static_cast<std::size_t>(axis)] % 2 != 0)
    self.fail("halves a dimension that it can't halve");
  const std::int64_t half = sizes[static_cast<std::size_t>(axis)] / 2;
  const Values parts = build.split(self, x, {half, half}, axis);
  return build.multiply(self, parts[0], build.sigmoid(self, parts[1]));
}

constexpr char elu[] = "Elu", celu[] = "Celu", selu[] = "Selu", mish[] = "Mish", sigmoid[] = "Sigmoid",
               tanh_name[] = "Tanh", hard_swish[] = "HardSwish", softsign[] = "Softsign",
               softmax_name[] = "Softmax", log_softmax[] = "LogSoftmax";

constexpr ModuleRow rows[] = {
    {activation, "ReLU", relu},
    {activation, "ReLU6", relu6},
    {activation, "Hardtanh", hardtanh},
    {activation, "LeakyReLU", leaky_relu},
    {activation, "PReLU", prelu},
    {activation, "ELU", with_alpha<elu>},
    {activation, "CELU", with_alpha<celu>},
    {activation, "SELU", plain<selu>},
    {activation, "GELU", gelu},
    {activation, "SiLU", silu},
    {activation, "Mish", plain<mish>},
    {activation, "Sigmoid", plain<sigmoid>},
    {activation, "Tanh", plain<tanh_name>},
    {activation, "Hardswish", plain<hard_swish>},
    {activation, "Hardsigmoid", hard_sigmoid},
    {activation, "Softplus", softplus},
    {activation, "Softsign", plain<softsign>},
    {activation, "Softshrink", softshrink},
    {activation, "Tanhshrink", tanhshrink},
    {activation, "LogSigmoid", log_sigmoid},
    {activation, "Softmax", along_axis<softmax_name>},
    {activation, "LogSoftmax", along_axis<log_softmax>},
    {activation, "Softmin", softmin},
    {activation, "Softmax2d", softmax_2d},
    {activation, "GLU", glu},
};

}  // namespace

std::span<const ModuleRow> torch_activation_rows() {
  return rows;
}

}  // namespace calib8
