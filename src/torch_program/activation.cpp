// Activations of aten; torch.nn's documentation has the formulas.

#include <cmath>
#include <limits>

#include "torch_program/operator_rows.h"

namespace calib8 {
namespace {

template <const char* Operator>
OnnxValueId plain(OperatorCall& call) {
  return call.emit(Operator, {call.tensor("self")});
}

OnnxValueId clip(OperatorCall& call, OnnxValueId x, double lowest, double highest) {
  return call.emit("Clip", {x, call.number_constant(lowest), call.number_constant(highest)});
}

OnnxValueId relu6(OperatorCall& call) {
  return clip(call, call.tensor("self"), 0, 6);
}

OnnxValueId hardtanh(OperatorCall& call) {
  return clip(call, call.tensor("self"), call.number("min_val", -1), call.number("max_val", 1));
}

OnnxValueId leaky_relu(OperatorCall& call) {
  return call.emit("LeakyRelu", {call.tensor("self")},
                   {{"alpha", static_cast<float>(call.number("negative_slope", 0.01))}});
}

/// Outside training the slope is the mean of its bounds.
OnnxValueId rrelu(OperatorCall& call) {
  if (call.flag("training", false)) call.fail("is in training mode: export the model after model.eval()");
  const double slope = (call.number("lower", 0.125) + call.number("upper", 1.0 / 3)) / 2;
  return call.emit("LeakyRelu", {call.tensor("self")}, {{"alpha", static_cast<float>(slope)}});
}

/// One slope for all channels, or one for each: [C] beside [N, C, ...].
OnnxValueId prelu(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  OnnxValueId slope = call.tensor("weight");
  const std::size_t rank = call.rank(x);
  if (call.shape(slope) != Shape{1} && call.rank(slope) == 1 && rank > 2) {
    Shape aligned(rank - 1, 1);
    aligned[0] = call.shape(slope)[0];
    slope = call.reshape(slope, aligned);
  }
  return call.emit("PRelu", {x, slope});
}

OnnxValueId elu(OperatorCall& call) {
  if (call.number("scale", 1) != 1 || call.number("input_scale", 1) != 1) call.fail("has a scale of its own");
  return call.emit("Elu", {call.tensor("self")}, {{"alpha", static_cast<float>(call.number("alpha", 1))}});
}

OnnxValueId celu(OperatorCall& call) {
  return call.emit("Celu", {call.tensor("self")}, {{"alpha", static_cast<float>(call.number("alpha", 1))}});
}

OnnxValueId gelu(OperatorCall& call) {
  return call.emit("Gelu", {call.tensor("self")}, {{"approximate", call.text("approximate", "none")}});
}

OnnxValueId silu(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  return call.emit("Mul", {x, call.emit("Sigmoid", {x})});
}

OnnxValueId hard_sigmoid(OperatorCall& call) {
  return call.emit("HardSigmoid", {call.tensor("self")}, {{"alpha", 1.0f / 6.0f}, {"beta", 0.5f}});
}

/// log(1 + exp(beta x)) / beta; beyond `threshold` PyTorch takes x itself, which differs by less than
/// float32 tells.
OnnxValueId softplus(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  const double beta = call.number("beta", 1);
  if (beta == 1) return call.emit("Softplus", {x});
  const OnnxValueId factor = call.number_constant(beta);
  return call.emit("Div", {call.emit("Softplus", {call.emit("Mul", {x, factor})}), factor});
}

/// 0 from -lambda to lambda, and outside x, moved towards 0 by `bias`.
OnnxValueId shrink(OperatorCall& call, double bias, double lambda) {
  return call.emit("Shrink", {call.tensor("self")},
                   {{"lambd", static_cast<float>(lambda)}, {"bias", static_cast<float>(bias)}});
}

OnnxValueId hardshrink(OperatorCall& call) {
  return shrink(call, 0, call.number("lambd", 0.5));
}

OnnxValueId softshrink(OperatorCall& call) {
  const double lambda = call.number("lambd", 0.5);
  return shrink(call, lambda, lambda);
}

/// x where it is above the threshold, and else the value.
OnnxValueId threshold(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  const OnnxValueId is_above = call.emit("Greater", {x, call.number_constant(call.number("threshold"))});
  return call.emit("Where", {is_above, x, call.number_constant(call.number("value"))});
}

/// -softplus(-x)
OnnxValueId log_sigmoid(OperatorCall& call) {
  const OnnxValueId negative = call.emit("Neg", {call.tensor("self")});
  return call.emit("Neg", {call.emit("Softplus", {negative})});
}

Values log_sigmoid_with_buffer(OperatorCall& call) {
  return {log_sigmoid(call), OnnxValueId{}};
}

template <const char* Operator>
OnnxValueId along_axis(OperatorCall& call) {
  const OnnxValueId x = call.cast(call.tensor("self"), DType::float32);
  const std::int64_t rank = static_cast<std::int64_t>(call.rank(x));
  if (rank == 0) call.fail("runs along a dimension of a single number");
  return call.emit(Operator, {x}, {{"axis", static_cast<std::int64_t>(call.axis_of("dim", x, -1))}});
}

/// The first half of a dimension times the sigmoid of the second.
OnnxValueId glu(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  const std::size_t axis = call.axis_of("dim", x, -1);
  const std::int64_t size = call.shape(x).at(axis);
  if (size % 2 != 0) call.fail("halves a dimension of " + std::to_string(size));
  const OnnxValueId gate = call.emit("Sigmoid", {call.slice(x, axis, size / 2, size)});
  return call.emit("Mul", {call.slice(x, axis, 0, size / 2), gate});
}

constexpr char relu[] = "Relu", selu[] = "Selu", mish[] = "Mish", sigmoid[] = "Sigmoid", tanh_name[] = "Tanh",
               hard_swish[] = "HardSwish", softsign[] = "Softsign", softmax[] = "Softmax",
               log_softmax[] = "LogSoftmax";

constexpr OperatorRow rows[] = {
    {"aten.relu", plain<relu>},
    {"aten.relu6", relu6},
    {"aten.hardtanh", hardtanh},
    {"aten.leaky_relu", leaky_relu},
    {"aten.rrelu", rrelu},
    {"aten.prelu", prelu},
    {"aten._prelu_kernel", prelu},
    {"aten.elu", elu},
    {"aten.celu", celu},
    {"aten.selu", plain<selu>},
    {"aten.gelu", gelu},
    {"aten.silu", silu},
    {"aten.mish", plain<mish>},
    {"aten.sigmoid", plain<sigmoid>},
    {"aten.tanh", plain<tanh_name>},
    {"aten.hardswish", plain<hard_swish>},
    {"aten.hardsigmoid", hard_sigmoid},
    {"aten.softplus", softplus},
    {"aten.softsign", plain<softsign>},
    {"aten.hardshrink", hardshrink},
    {"aten.softshrink", softshrink},
    {"aten.threshold", threshold},
    {"aten.log_sigmoid", log_sigmoid},
    {"aten.log_sigmoid_forward", log_sigmoid_with_buffer},
    {"aten.softmax", along_axis<softmax>},
    {"aten._softmax", along_axis<softmax>},
    {"aten._safe_softmax", along_axis<softmax>},
    {"aten.log_softmax", along_axis<log_softmax>},
    {"aten._log_softmax", along_axis<log_softmax>},
    {"aten.glu", glu},
};

}  // namespace

std::span<const OperatorRow> activation_operators() {
  return rows;
}

}  // namespace calib8
