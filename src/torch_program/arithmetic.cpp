// Sums, products and what else aten makes of two tensors, or of a tensor and a number.

#include <cmath>

#include "torch_program/operator_rows.h"
#include "torch_program/promotion.h"

namespace calib8 {
namespace {

/// b * alpha, where that isn't 1.
OnnxValueId scaled(OperatorCall& call, OnnxValueId b, DType dtype) {
  const auto alpha = call.scalar("alpha");
  if (!alpha || as_number(*alpha) == 1) return b;
  return call.emit("Mul", {b, call.number_constant(*alpha, dtype)});
}

OnnxValueId add(OperatorCall& call) {
  const Operands x = promoted(call, "self", "other");
  if (x.dtype == DType::boolean) return call.emit("Or", {x.a, x.b});
  return call.emit("Add", {x.a, scaled(call, x.b, x.dtype)});
}

OnnxValueId subtract(OperatorCall& call) {
  const Operands x = promoted(call, "self", "other");
  return call.emit("Sub", {x.a, scaled(call, x.b, x.dtype)});
}

OnnxValueId subtract_reversed(OperatorCall& call) {
  const Operands x = promoted(call, "other", "self");
  return call.emit("Sub", {x.a, scaled(call, x.b, x.dtype)});
}

OnnxValueId multiply(OperatorCall& call) {
  const Operands x = promoted(call, "self", "other");
  return call.emit(x.dtype == DType::boolean ? "And" : "Mul", {x.a, x.b});
}

OnnxValueId truncated(OperatorCall& call, OnnxValueId x) {
  return call.emit("Mul", {call.emit("Sign", {x}), call.emit("Floor", {call.emit("Abs", {x})})});
}

OnnxValueId divide_as(OperatorCall& call, const std::string& rounding) {
  Operands x = promoted(call, "self", "other");
  if (rounding.empty() && x.dtype != DType::float32) {
    x = {call.cast(x.a, DType::float32), call.cast(x.b, DType::float32), DType::float32};
  }
  if (!is_floating(x.dtype)) {
    // Whole numbers: Div truncates; what remains by the divisor's sign taken away before, it is the floor.
    if (rounding == "floor") x.a = call.emit("Sub", {x.a, call.emit("Mod", {x.a, x.b})});
    return call.emit("Div", {x.a, x.b});
  }
  const OnnxValueId quotient = call.emit("Div", {x.a, x.b});
  if (rounding == "floor") return call.emit("Floor", {quotient});
  if (rounding == "trunc") return truncated(call, quotient);
  if (!rounding.empty()) call.fail("rounds by '" + rounding + "'");
  return quotient;
}

OnnxValueId divide(OperatorCall& call) {
  return divide_as(call, call.text("rounding_mode", ""));
}

OnnxValueId floor_divide(OperatorCall& call) {
  return divide_as(call, "floor");
}

/// Of the sign of what is divided.
OnnxValueId fmod(OperatorCall& call) {
  const Operands x = promoted(call, "self", "other");
  return call.emit("Mod", {x.a, x.b}, {{"fmod", std::int64_t{1}}});
}

/// Of the divisor's sign.
OnnxValueId remainder(OperatorCall& call) {
  const Operands x = promoted(call, "self", "other");
  if (!is_floating(x.dtype)) return call.emit("Mod", {x.a, x.b});
  const OnnxValueId whole = call.emit("Floor", {call.emit("Div", {x.a, x.b})});
  return call.emit("Sub", {x.a, call.emit("Mul", {whole, x.b})});
}

OnnxValueId power(OperatorCall& call) {
  const auto exponent = call.scalar("exponent");
  const double number = exponent ? as_number(*exponent) : 0;
  if (exponent && call.is_tensor("self") && number == 2) {
    const OnnxValueId x = operand(call, "self", result_type(call, {"self", "exponent"}));
    return call.emit("Mul", {x, x});
  }
  const Operands x = promoted(call, "self", "exponent");
  if (exponent && number == 1) return x.a;
  if (exponent && number == 0.5) return call.emit("Sqrt", {x.a});
  if (exponent && number == -0.5) return call.emit("Reciprocal", {call.emit("Sqrt", {x.a})});
  if (exponent && number == -1) return call.emit("Reciprocal", {x.a});
  return call.emit("Pow", {x.a, x.b});
}

OnnxValueId square(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  return call.emit("Mul", {x, x});
}

template <const char* Operator>
OnnxValueId extreme(OperatorCall& call) {
  const Operands x = promoted(call, "self", "other");
  return call.emit(Operator, {x.a, x.b});
}

/// One or both bounds, numbers or tensors; `lowest` and `highest` are their names.
OnnxValueId clamp_between(OperatorCall& call, std::string_view lowest, std::string_view highest) {
  std::vector<std::string_view> given;
  for (const std::string_view bound : {lowest, highest}) {
    if (!bound.empty() && call.has(bound)) given.push_back(bound);
  }
  if (given.empty()) return call.tensor("self");
  const DType dtype = given.size() == 2 ? result_type(call, {"self", given[0], given[1]})
                                        : result_type(call, {"self", given[0]});
  OnnxValueId x = operand(call, "self", dtype);
  const auto bound = [&](std::string_view name) {
    return !name.empty() && call.has(name) ? operand(call, name, dtype) : OnnxValueId{};
  };
  const OnnxValueId low = bound(lowest), high = bound(highest);
  const auto is_number = [&](OnnxValueId value) { return !value.exists() || call.rank(value) == 0; };
  if (is_number(low) && is_number(high)) {
    Values inputs{x, low};
    if (high.exists()) inputs.push_back(high);
    return call.emit("Clip", inputs);
  }
  if (low.exists()) x = call.emit("Max", {x, low});
  return high.exists() ? call.emit("Min", {x, high}) : x;
}

OnnxValueId clamp(OperatorCall& call) {
  return clamp_between(call, "min", "max");
}
OnnxValueId clamp_min(OperatorCall& call) {
  return clamp_between(call, "min", "");
}
OnnxValueId clamp_max(OperatorCall& call) {
  return clamp_between(call, "", "max");
}

/// `x` times the number `value`, where that isn't 1.
OnnxValueId times_value(OperatorCall& call, OnnxValueId x) {
  const auto value = call.scalar("value");
  if (!value || as_number(*value) == 1) return x;
  return call.emit("Mul", {x, call.number_constant(*value, call.dtype(x))});
}

/// self + value * tensor1 (* or /) tensor2
template <const char* Operator>
OnnxValueId add_combined(OperatorCall& call) {
  const DType dtype = result_type(call, {"self", "tensor1", "tensor2"});
  const OnnxValueId combined =
      call.emit(Operator, {operand(call, "tensor1", dtype), operand(call, "tensor2", dtype)});
  return call.emit("Add", {operand(call, "self", dtype), times_value(call, combined)});
}

OnnxValueId interpolate(OperatorCall& call) {
  const DType dtype = result_type(call, {"self", "end"});
  const OnnxValueId start = operand(call, "self", dtype), end = operand(call, "end", dtype);
  const OnnxValueId way = call.emit("Mul", {operand(call, "weight", dtype), call.emit("Sub", {end, start})});
  return call.emit("Add", {start, way});
}

OnnxValueId where(OperatorCall& call) {
  const DType dtype = result_type(call, {"self", "other"});
  const OnnxValueId condition = call.cast(call.tensor("condition"), DType::boolean);
  return call.emit("Where", {condition, operand(call, "self", dtype), operand(call, "other", dtype)});
}

OnnxValueId masked_fill(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  const OnnxValueId mask = call.cast(call.tensor("mask"), DType::boolean);
  return call.emit("Where", {mask, operand(call, "value", call.dtype(x)), x});
}

constexpr char max_name[] = "Max", min_name[] = "Min", mul_name[] = "Mul", div_name[] = "Div";

constexpr OperatorRow rows[] = {
    {"aten.add", add},
    {"aten.sub", subtract},
    {"aten.subtract", subtract},
    {"aten.rsub", subtract_reversed},
    {"aten.mul", multiply},
    {"aten.multiply", multiply},
    {"aten.div", divide},
    {"aten.divide", divide},
    {"aten.true_divide", divide},
    {"aten.floor_divide", floor_divide},
    {"aten.fmod", fmod},
    {"aten.remainder", remainder},
    {"aten.pow", power},
    {"aten.square", square},
    {"aten.maximum", extreme<max_name>},
    {"aten.minimum", extreme<min_name>},
    {"aten.clamp", clamp},
    {"aten.clip", clamp},
    {"aten.clamp_min", clamp_min},
    {"aten.clamp_max", clamp_max},
    {"aten.addcmul", add_combined<mul_name>},
    {"aten.addcdiv", add_combined<div_name>},
    {"aten.lerp", interpolate},
    {"aten.where", where},
    {"aten.masked_fill", masked_fill},
};

}  // namespace

std::span<const OperatorRow> arithmetic_operators() {
  return rows;
}

}  // namespace calib8
