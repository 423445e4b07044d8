// Activations that TFLite has no operator for: Softplus, Softsign, Mish, Selu, ThresholdedRelu,
// Shrink.

#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/formula.h"

namespace calib8 {
namespace {

std::vector<OnnxType> infer_same(const NodeView& view) {
  return {view.input_type(0)};
}

template <TensorId (*formula)(Formula&, const OnnxNode&, TensorId)>
Refusal lower_as(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  Formula f(lowering);
  f.result(formula(f, lowering.node, f.input(0)));
  return std::nullopt;
}

/// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), of which no part overflows.
TensorId log_one_and_exp(Formula& f, TensorId x) {
  const TensorId below = f.of<tflite::Exp>(f.of<tflite::Neg>(f.of<tflite::Abs>(x)));
  return f.add(f.of<tflite::Relu>(x), f.of<tflite::Log>(f.add(below, 1.0)));
}
TensorId softplus(Formula& f, const OnnxNode&, TensorId x) {
  return log_one_and_exp(f, x);
}
TensorId softsign(Formula& f, const OnnxNode&, TensorId x) {
  return f.div(x, f.add(f.of<tflite::Abs>(x), 1.0));
}
TensorId mish(Formula& f, const OnnxNode&, TensorId x) {
  return f.mul(f.of<tflite::Tanh>(log_one_and_exp(f, x)), x);
}
/// gamma * (x above zero, alpha * (e^x - 1) below)
TensorId selu(Formula& f, const OnnxNode& node, TensorId x) {
  const auto alpha = static_cast<double>(node.get_float("alpha", 1.67326319217681884765625f));
  const auto gamma = static_cast<double>(node.get_float("gamma", 1.05070102214813232421875f));
  const TensorId below = f.of<tflite::Elu>(f.of<tflite::Minimum>(x, 0.0));
  return f.add(f.mul(f.of<tflite::Relu>(x), gamma), f.mul(below, alpha * gamma));
}
/// x where it exceeds alpha, else 0
TensorId thresholded(Formula& f, const OnnxNode& node, TensorId x) {
  const auto alpha = static_cast<double>(node.get_float("alpha", 1.0f));
  return f.select(f.compare<tflite::Greater>(x, alpha), x, f.number(0, f.rank(x)));
}
/// x + bias below -lambd, x - bias above lambd, else 0
TensorId shrink(Formula& f, const OnnxNode& node, TensorId x) {
  const auto bias = static_cast<double>(node.get_float("bias", 0.0f));
  const auto bound = static_cast<double>(node.get_float("lambd", 0.5f));
  const TensorId zero = f.number(0, f.rank(x));
  const TensorId above = f.select(f.compare<tflite::Greater>(x, bound), f.sub(x, bias), zero);
  return f.select(f.compare<tflite::Less>(x, -bound), f.add(x, bias), above);
}

constexpr OnnxOp unary(std::string_view type, Refusal (*lower)(Lowering&), Sign sign) {
  return {.type = type, .inputs = {1, 1}, .infer = infer_same, .lower = lower, .traits = {.sign = sign}};
}

const OnnxOp onnx_rows[] = {
    unary("Softplus", lower_as<softplus>, Sign::never_negative),
    unary("Softsign", lower_as<softsign>, Sign::keeps),
    unary("Mish", lower_as<mish>, Sign::keeps),
    unary("Selu", lower_as<selu>, Sign::unknown),
    unary("ThresholdedRelu", lower_as<thresholded>, Sign::keeps),
    unary("Shrink", lower_as<shrink>, Sign::unknown),
};

}  // namespace

const OpFamily& smooth_family() {
  static const OpFamily family{onnx_rows, {}};
  return family;
}

}  // namespace calib8
