// Relu, Clip, Sigmoid, Tanh, HardSigmoid, HardSwish, LeakyRelu, Elu, Celu, PRelu, Gelu. Their TFLite half is
// activation_tflite.cpp. SiLU has no operator in opset 20: it comes as Sigmoid and Mul.

#include <cmath>
#include <limits>

#include "ops/arithmetic/activation_rows.h"
#include "ops/arithmetic/sign.h"
#include "ops/emit.h"
#include "ops/lowering.h"

namespace calib8 {
namespace {

std::vector<OnnxType> infer_same(const NodeView& view) {
  return {view.input_type(0)};
}

template <class Op>
TensorId emit_like_output(Lowering& lowering, Op op, std::vector<TensorId> inputs,
                          std::string_view part = {}) {
  return lowering.emit(std::move(op), std::move(inputs), lowering.output_shape(), part);
}

/// A constant of one element with the output's rank, so that it can be permuted along.
TensorId scalar(Lowering& lowering, std::string_view part, double value) {
  return lowering.constant(part, make_tensor(Shape(lowering.output_shape().size(), 1),
                                             std::vector<float>{static_cast<float>(value)}));
}

template <class Op>
Refusal lower_unary(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  lowering.set_output(0, emit_like_output(lowering, Op{}, {lowering.input(0)}));
  return std::nullopt;
}

/// A bound of Clip; infinite where it is absent.
float clip_bound(const Lowering& lowering, std::size_t position, float absent) {
  if (!lowering.has_input(position)) return absent;
  const Tensor& bound = *lowering.constant(position);
  if (bound.count() != 1) lowering.fail("a bound of its range is not one number");
  const float value = to_float(bound)[0];
  return std::abs(value) >= std::numeric_limits<float>::max() && std::signbit(value) == std::signbit(absent)
             ? absent
             : value;
}

//   Clip(x, 0, 6)   ->   RELU6        Clip(x, 0)   ->   RELU        others   ->   [MAXIMUM], [MINIMUM]
Refusal lower_clip(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  for (const std::size_t bound : {1, 2}) {
    if (lowering.has_input(bound) && !lowering.constant(bound)) return "a range that is not constant";
  }
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const float lowest = clip_bound(lowering, 1, -infinity), highest = clip_bound(lowering, 2, infinity);
  const bool has_highest = highest != infinity;
  TensorId y = lowering.input(0);
  if (lowest == 0.0f && highest == 6.0f) {
    y = emit_like_output(lowering, tflite::Relu6{}, {y});
  } else {
    const std::string_view part = has_highest ? "raised" : "";
    if (lowest == 0.0f) {
      y = emit_like_output(lowering, tflite::Relu{}, {y}, part);
    } else if (lowest != -infinity) {
      y = emit_like_output(lowering, tflite::Maximum{}, {y, scalar(lowering, "lowest", lowest)}, part);
    }
    if (has_highest) {
      y = emit_like_output(lowering, tflite::Minimum{}, {y, scalar(lowering, "highest", highest)});
    }
  }
  lowering.set_output(0, y);
  return std::nullopt;
}

// y = min(max(alpha x + beta, 0), 1) = relu6(6 alpha x + 6 beta) / 6: in int8 three operators that XNNPACK
// runs as one table. PyTorch's hard-sigmoid has alpha = 1/6 and beta = 1/2, so that the first factor is 1.
//   HardSigmoid(x)   ->   [MUL 6 alpha], ADD 6 beta with fused RELU6, MUL 1/6
Refusal lower_hard_sigmoid(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const float alpha = lowering.node.get_float("alpha", 0.2f), beta = lowering.node.get_float("beta", 0.5f);
  const double factor = 6.0 * static_cast<double>(alpha);
  if (!std::isfinite(alpha) || !std::isfinite(beta))
    lowering.fail("its alpha or beta is not a finite number");
  TensorId y = lowering.input(0);
  if (std::abs(factor - 1.0) > 1e-6) {
    y = emit_like_output(lowering, tflite::Mul{}, {y, scalar(lowering, "alpha", factor)}, "scaled");
  }
  const tflite::Add add{{tflite::Activation::relu6}};
  y = emit_like_output(lowering, add, {y, scalar(lowering, "beta", 6.0 * static_cast<double>(beta))},
                       "relu6");
  y = emit_like_output(lowering, tflite::Mul{}, {y, scalar(lowering, "sixth", 1.0 / 6.0)});
  lowering.set_output(0, y);
  return std::nullopt;
}

Refusal lower_leaky_relu(Lowering& lowering) {
  if (lowering.node.get_float("alpha", 0.01f) == 0.0f) return lower_unary<tflite::Relu>(lowering);
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const tflite::LeakyRelu op{lowering.node.get_float("alpha", 0.01f)};
  lowering.set_output(0, emit_like_output(lowering, op, {lowering.input(0)}));
  return std::nullopt;
}

/// Below this a negative branch is nothing beside any activation's rounding: what is left is a RELU.
constexpr float smallest_alpha = 1e-30f;

//   Elu(x), alpha = 1   ->   ELU        alpha = 0   ->   RELU        x never below zero   ->   x
//   others   ->   ADD(RELU(x), MUL(ELU(MINIMUM(x, 0)), alpha))
Refusal lower_elu(Lowering& lowering) {
  const float alpha = lowering.node.get_float("alpha", 1.0f);
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const TensorId x = lowering.input(0);
  if (is_never_negative(lowering.graph, lowering.node.inputs[0])) {
    lowering.set_output(0, x);
    return std::nullopt;
  }
  if (alpha == 1.0f) return lower_unary<tflite::Elu>(lowering);
  if (std::abs(alpha) < smallest_alpha) return lower_unary<tflite::Relu>(lowering);
  const TensorId above = emit_like_output(lowering, tflite::Relu{}, {x}, "above");
  TensorId below = emit_like_output(lowering, tflite::Minimum{}, {x, scalar(lowering, "zero", 0.0)}, "below");
  below = emit_like_output(lowering, tflite::Elu{}, {below}, "elu");
  below = emit_like_output(lowering, tflite::Mul{}, {below, scalar(lowering, "alpha", alpha)}, "scaled");
  lowering.set_output(0, emit_like_output(lowering, tflite::Add{}, {above, below}));
  return std::nullopt;
}

//   Celu(x), alpha = 1   ->   ELU        alpha near 0   ->   RELU        x never below zero   ->   x
//   others   ->   MUL(ELU(MUL(x, 1 / alpha)), alpha), which is x above zero
Refusal lower_celu(Lowering& lowering) {
  const float alpha = lowering.node.get_float("alpha", 1.0f);
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  if (!(alpha > 0.0f)) return "alpha = " + std::to_string(alpha);
  if (is_never_negative(lowering.graph, lowering.node.inputs[0])) {
    lowering.set_output(0, lowering.input(0));
    return std::nullopt;
  }
  if (alpha == 1.0f) return lower_unary<tflite::Elu>(lowering);
  if (alpha < smallest_alpha) return lower_unary<tflite::Relu>(lowering);
  const TensorId inverse = scalar(lowering, "inverse", 1.0 / alpha);
  TensorId y = emit_like_output(lowering, tflite::Mul{}, {lowering.input(0), inverse}, "divided");
  y = emit_like_output(lowering, tflite::Elu{}, {y}, "elu");
  lowering.set_output(0, emit_like_output(lowering, tflite::Mul{}, {y, scalar(lowering, "alpha", alpha)}));
  return std::nullopt;
}

/// Whether a slope broadcasts along the channels (axis 1) alone.
bool is_per_channel(Shape slope, const Shape& x) {
  if (slope.size() > x.size() || x.size() < 2) return false;
  slope.insert(slope.begin(), x.size() - slope.size(), 1);
  for (std::size_t axis = 0; axis < x.size(); ++axis) {
    if (slope[axis] != (axis == 1 ? x[1] : 1)) return false;
  }
  return true;
}

//   PRelu(x, one slope)   ->   LEAKY_RELU        PRelu(x, slope [C, 1, 1])   ->   TRANSPOSE, PRELU, TRANSPOSE
Refusal lower_prelu(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const Tensor* slope = lowering.constant(1);
  if (!slope) return "a slope that is not constant";
  std::vector<float> slopes = to_float(*slope);
  if (slopes.size() == 1) {
    lowering.set_output(0, emit_like_output(lowering, tflite::LeakyRelu{slopes[0]}, {lowering.input(0)}));
    return std::nullopt;
  }
  const Shape shape = lowering.input_shape(0);
  if (!is_per_channel(slope->shape, shape)) return "a slope of shape " + to_string(slope->shape);
  const TensorId x = lowering.to_channels_last(lowering.input(0));
  Shape slope_shape(shape.size() - 1, 1);  // without the batch
  slope_shape.back() = shape[1];
  const TensorId slope_constant = lowering.target.add_constant(
      lowering.graph[lowering.node.inputs[1]].name, make_tensor(std::move(slope_shape), std::move(slopes)));
  const TensorId y = lowering.emit(tflite::PRelu{}, {x, slope_constant}, lowering.target[x].shape);
  lowering.set_output(0, lowering.to_channels_first(y));
  return std::nullopt;
}

Refusal lower_gelu(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const std::string approximate = lowering.node.get_string("approximate", "none");
  if (approximate != "none" && approximate != "tanh") return "approximate = '" + approximate + "'";
  const tflite::Gelu op{approximate == "tanh"};
  lowering.set_output(0, emit_like_output(lowering, op, {lowering.input(0)}));
  return std::nullopt;
}

constexpr AttributeDefault elu_defaults[] = {{"alpha", 1.0f}};
constexpr AttributeDefault hard_sigmoid_defaults[] = {{"alpha", 0.2f}, {"beta", 0.5f}};
constexpr AttributeDefault leaky_relu_defaults[] = {{"alpha", 0.01f}};

const OnnxOp onnx_rows[] = {
    {.type = "Celu",
     .inputs = {1, 1},
     .infer = infer_same,
     .lower = lower_celu,
     .traits = {.sign = Sign::keeps}},
    {.type = "Clip",
     .inputs = {1, 3},
     .infer = infer_same,
     .lower = lower_clip,
     .traits = {.sign = Sign::bounded}},
    {.type = "Elu",
     .inputs = {1, 1},
     .infer = infer_same,
     .lower = lower_elu,
     .traits = {.sign = Sign::keeps, .defaults = elu_defaults}},
    {.type = "Gelu",
     .inputs = {1, 1},
     .infer = infer_same,
     .lower = lower_gelu,
     .traits = {.sign = Sign::keeps}},
    {.type = "HardSigmoid",
     .inputs = {1, 1},
     .infer = infer_same,
     .lower = lower_hard_sigmoid,
     .traits = {.sign = Sign::never_negative, .defaults = hard_sigmoid_defaults}},
    {.type = "HardSwish",
     .inputs = {1, 1},
     .infer = infer_same,
     .lower = lower_unary<tflite::HardSwish>,
     .traits = {.sign = Sign::keeps}},
    {.type = "LeakyRelu",
     .inputs = {1, 1},
     .infer = infer_same,
     .lower = lower_leaky_relu,
     .traits = {.sign = Sign::keeps, .defaults = leaky_relu_defaults}},
    {.type = "PRelu",
     .inputs = {2, 2},
     .infer = infer_same,
     .lower = lower_prelu,
     .traits = {.sign = Sign::keeps}},
    {.type = "Relu",
     .inputs = {1, 1},
     .infer = infer_same,
     .lower = lower_unary<tflite::Relu>,
     .traits = {.sign = Sign::never_negative}},
    {.type = "Sigmoid",
     .inputs = {1, 1},
     .infer = infer_same,
     .lower = lower_unary<tflite::Logistic>,
     .traits = {.sign = Sign::never_negative}},
    {.type = "Tanh",
     .inputs = {1, 1},
     .infer = infer_same,
     .lower = lower_unary<tflite::Tanh>,
     .traits = {.sign = Sign::keeps}},
};

}  // namespace

const OpFamily& activation_family() {
  static const OpFamily family{onnx_rows, activation_tflite_rows()};
  return family;
}

}  // namespace calib8
