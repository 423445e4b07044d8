// Functions of one value, element by element.

#include <cmath>

#include "torch_program/operator_rows.h"

namespace calib8 {
namespace {

/// The argument as a real number, as PyTorch's functions take whole numbers, too.
OnnxValueId real(OperatorCall& call) {
  return call.cast(call.tensor("self"), DType::float32);
}

template <const char* Operator>
OnnxValueId of_real(OperatorCall& call) {
  return call.emit(Operator, {real(call)});
}

/// Of whole numbers it is a whole number.
template <const char* Operator>
OnnxValueId of_any(OperatorCall& call) {
  return call.emit(Operator, {call.tensor("self")});
}

/// Whole numbers stay as they are.
template <const char* Operator>
OnnxValueId rounded(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  if (call.integer("decimals", 0) != 0) call.fail("rounds to decimals");
  return call.dtype(x) == DType::float32 ? call.emit(Operator, {x}) : x;
}

OnnxValueId truncate(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  if (call.dtype(x) != DType::float32) return x;
  return call.emit("Mul", {call.emit("Sign", {x}), call.emit("Floor", {call.emit("Abs", {x})})});
}

OnnxValueId reciprocal_root(OperatorCall& call) {
  return call.emit("Reciprocal", {call.emit("Sqrt", {real(call)})});
}

OnnxValueId expm1(OperatorCall& call) {
  return call.emit("Sub", {call.emit("Exp", {real(call)}), call.number_constant(1)});
}

OnnxValueId log1p(OperatorCall& call) {
  return call.emit("Log", {call.emit("Add", {real(call), call.number_constant(1)})});
}

OnnxValueId log_to_base(OperatorCall& call, double base) {
  return call.emit("Div", {call.emit("Log", {real(call)}), call.number_constant(std::log(base))});
}

OnnxValueId log2(OperatorCall& call) {
  return log_to_base(call, 2);
}
OnnxValueId log10(OperatorCall& call) {
  return log_to_base(call, 10);
}
OnnxValueId exp2(OperatorCall& call) {
  return call.emit("Exp", {call.emit("Mul", {real(call), call.number_constant(std::log(2.0))})});
}

constexpr char abs_name[] = "Abs", neg[] = "Neg", sign[] = "Sign", exp_name[] = "Exp", log_name[] = "Log",
               sqrt_name[] = "Sqrt", reciprocal[] = "Reciprocal", sin_name[] = "Sin", cos_name[] = "Cos",
               tan_name[] = "Tan", sinh_name[] = "Sinh", cosh_name[] = "Cosh", asinh_name[] = "Asinh",
               acosh_name[] = "Acosh", atanh_name[] = "Atanh", erf_name[] = "Erf", floor_name[] = "Floor",
               ceil_name[] = "Ceil", round_name[] = "Round";

constexpr OperatorRow rows[] = {
    {"aten.abs", of_any<abs_name>},
    {"aten.neg", of_any<neg>},
    {"aten.sign", of_any<sign>},
    {"aten.sgn", of_any<sign>},
    {"aten.exp", of_real<exp_name>},
    {"aten.exp2", exp2},
    {"aten.expm1", expm1},
    {"aten.log", of_real<log_name>},
    {"aten.log2", log2},
    {"aten.log10", log10},
    {"aten.log1p", log1p},
    {"aten.sqrt", of_real<sqrt_name>},
    {"aten.rsqrt", reciprocal_root},
    {"aten.reciprocal", of_real<reciprocal>},
    {"aten.sin", of_real<sin_name>},
    {"aten.cos", of_real<cos_name>},
    {"aten.tan", of_real<tan_name>},
    {"aten.sinh", of_real<sinh_name>},
    {"aten.cosh", of_real<cosh_name>},
    {"aten.asinh", of_real<asinh_name>},
    {"aten.acosh", of_real<acosh_name>},
    {"aten.atanh", of_real<atanh_name>},
    {"aten.erf", of_real<erf_name>},
    {"aten.floor", rounded<floor_name>},
    {"aten.ceil", rounded<ceil_name>},
    {"aten.round", rounded<round_name>},
    {"aten.trunc", truncate},
};

}  // namespace

std::span<const OperatorRow> function_operators() {
  return rows;
}

}  // namespace calib8
