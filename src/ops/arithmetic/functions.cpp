// Sin, Cos and what follows from them, Floor, Ceil, Round, Sign, Mod, Erf, IsNaN, IsInf. Their TFLite half is
// functions_tflite.cpp.

#include <cmath>
#include <limits>

#include "ops/arithmetic/arithmetic.h"
#include "ops/arithmetic/functions_rows.h"
#include "ops/emit.h"
#include "ops/formula.h"
#include "ops/infer.h"
#include "ops/strided.h"

namespace calib8 {
namespace {

std::vector<OnnxType> infer_same(const NodeView& view) {
  return {view.input_type(0)};
}

std::vector<OnnxType> infer_truth(const NodeView& view) {
  return {{DType::boolean, view.input_type(0).shape}};
}

std::vector<OnnxType> infer_pair(const NodeView& view) {
  const OnnxType &a = view.input_type(0), &b = view.input_type(1);
  if (a.dtype != b.dtype) view.fail("its inputs have different types");
  if (!a.has_rank() || !b.has_rank()) return {{a.dtype, std::nullopt}};
  return {{a.dtype, broadcast(view, *a.shape, *b.shape)}};
}

/// A row's lowering from the formula of its one input.
template <TensorId (*formula)(Formula&, TensorId)>
Refusal lower_as(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  Formula f(lowering);
  f.result(formula(f, f.input(0)));
  return std::nullopt;
}

template <class Op>
TensorId function_of(Formula& f, TensorId x) {
  return f.of<Op>(x);
}

TensorId tangent(Formula& f, TensorId x) {
  return f.div(f.of<tflite::Sin>(x), f.of<tflite::Cos>(x));
}
/// e^x and its reciprocal: sinh = (e^x - e^-x) / 2, cosh = (e^x + e^-x) / 2
template <bool is_sine>
TensorId hyperbolic(Formula& f, TensorId x) {
  const TensorId up = f.of<tflite::Exp>(x), down = f.div(1.0, up);
  return f.mul(is_sine ? f.sub(up, down) : f.add(up, down), 0.5);
}
/// sign(x) log(|x| + sqrt(x^2 + 1)), which doesn't cancel
TensorId inverse_hyperbolic_sine(Formula& f, TensorId x) {
  const TensorId size = f.of<tflite::Abs>(x);
  const TensorId root = f.of<tflite::Sqrt>(f.add(f.mul(size, size), 1.0));
  return f.mul(f.of<tflite::Log>(f.add(size, root)), f.of<tflite::Sign>(x));
}
TensorId inverse_hyperbolic_cosine(Formula& f, TensorId x) {
  const TensorId root = f.of<tflite::Sqrt>(f.sub(f.mul(x, x), 1.0));
  return f.of<tflite::Log>(f.add(x, root));
}
TensorId inverse_hyperbolic_tangent(Formula& f, TensorId x) {
  return f.mul(f.of<tflite::Log>(f.div(f.add(x, 1.0), f.sub(1.0, x))), 0.5);
}

/// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: within 1.5e-7 of the exact values.
///   erf(|x|) = 1 - t (a1 + t (a2 + t (a3 + t (a4 + t a5)))) e^(-x^2),  t = 1 / (1 + p |x|)
TensorId error_function(Formula& f, TensorId x) {
  constexpr double p = 0.3275911;
  constexpr double factors[] = {1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592};
  const TensorId size = f.of<tflite::Abs>(x);
  const TensorId t = f.div(1.0, f.add(f.mul(size, p), 1.0));
  TensorId sum = f.mul(t, factors[0]);
  for (const double factor : {factors[1], factors[2], factors[3], factors[4]})
    sum = f.mul(f.add(sum, factor), t);
  const TensorId tail = f.mul(sum, f.of<tflite::Exp>(f.of<tflite::Neg>(f.mul(size, size))));
  return f.mul(f.sub(1.0, tail), f.of<tflite::Sign>(x));
}

/// What is no number is unequal to itself.
Refusal lower_is_nan(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  Formula f(lowering);
  f.result(f.compare<tflite::NotEqual>(f.input(0), f.input(0)));
  return std::nullopt;
}

Refusal lower_is_infinite(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const bool above = lowering.node.get_int("detect_positive", 1) != 0;
  const bool below = lowering.node.get_int("detect_negative", 1) != 0;
  Formula f(lowering);
  TensorId x = f.input(0);
  if (!above && !below) {
    f.result(f.compare<tflite::Less>(f.of<tflite::Abs>(x), -1.0));
    return std::nullopt;
  }
  if (above && below) x = f.of<tflite::Abs>(x);
  if (!above) x = f.of<tflite::Neg>(x);
  constexpr double largest = std::numeric_limits<float>::max();
  f.result(f.compare<tflite::Greater>(x, largest));
  return std::nullopt;
}

template <class Holds>
std::vector<Tensor> fold_truth(const NodeView& view, Holds holds) {
  const Tensor* x = view.constant(0);
  if (!x || x->dtype != DType::float32 || !is_foldable_size(x->shape, DType::boolean)) return {};
  std::vector<std::uint8_t> values;
  for (const float value : x->as<float>()) values.push_back(holds(value) ? 1 : 0);
  return {Tensor{DType::boolean, x->shape, Data::from_vector(std::move(values))}};
}
std::vector<Tensor> fold_is_nan(const NodeView& view) {
  return fold_truth(view, [](float value) { return std::isnan(value); });
}
std::vector<Tensor> fold_is_infinite(const NodeView& view) {
  const bool above = view.node.get_int("detect_positive", 1) != 0;
  const bool below = view.node.get_int("detect_negative", 1) != 0;
  return fold_truth(view, [&](float value) { return std::isinf(value) && (value > 0 ? above : below); });
}

//   Mod(a, b)   ->   FLOOR_MOD, with the divisor's sign        fmod   ->   a - b trunc(a / b), with a's
Refusal lower_mod(Lowering& lowering) {
  if (Refusal refusal = refuse_other_than_numbers(lowering)) return refusal;
  Formula f(lowering);
  const TensorId a = f.input(0), b = f.input(1);
  const bool is_real = lowering.input_type(0).dtype == DType::float32;
  if (lowering.node.get_int("fmod", 0) == 0) {
    f.result(f.of<tflite::FloorMod>(a, b));
  } else if (!is_real) {
    f.result(f.sub(a, f.mul(b, f.div(a, b))));  // integers are divided towards zero
  } else {
    // The remainder of the sizes, with a's sign.
    const TensorId rest = f.of<tflite::FloorMod>(f.of<tflite::Abs>(a), f.of<tflite::Abs>(b));
    f.result(f.mul(rest, f.of<tflite::Sign>(a)));
  }
  return std::nullopt;
}

constexpr auto unary(std::string_view type, Refusal (*lower)(Lowering&),
                     std::vector<Tensor> (*fold)(const NodeView&) = nullptr) {
  return OnnxOp{.type = type, .inputs = {1, 1}, .infer = infer_same, .fold = fold, .lower = lower};
}

const OnnxOp onnx_rows[] = {
    unary("Sin", lower_as<function_of<tflite::Sin>>, fold_sin),
    unary("Cos", lower_as<function_of<tflite::Cos>>, fold_cos),
    unary("Tan", lower_as<tangent>),
    unary("Sinh", lower_as<hyperbolic<true>>),
    unary("Cosh", lower_as<hyperbolic<false>>),
    unary("Asinh", lower_as<inverse_hyperbolic_sine>),
    unary("Acosh", lower_as<inverse_hyperbolic_cosine>),
    unary("Atanh", lower_as<inverse_hyperbolic_tangent>),
    unary("Floor", lower_as<function_of<tflite::Floor>>, fold_floor),
    unary("Ceil", lower_as<function_of<tflite::Ceil>>, fold_ceil),
    unary("Round", lower_as<function_of<tflite::Round>>, fold_round),
    unary("Sign", lower_as<function_of<tflite::Sign>>, fold_sign),
    unary("Erf", lower_as<error_function>, fold_erf),
    {.type = "IsNaN", .inputs = {1, 1}, .infer = infer_truth, .fold = fold_is_nan, .lower = lower_is_nan},
    {.type = "IsInf",
     .inputs = {1, 1},
     .infer = infer_truth,
     .fold = fold_is_infinite,
     .lower = lower_is_infinite},
    {.type = "Mod", .inputs = {2, 2}, .infer = infer_pair, .fold = fold_mod, .lower = lower_mod},
};

}  // namespace

const OpFamily& functions_family() {
  static const OpFamily family{onnx_rows, functions_tflite_rows()};
  return family;
}

}  // namespace calib8
