// Sizes, and what Python computes of them while a program runs: operators of the modules operator and math.

#include <algorithm>
#include <cmath>
#include <limits>

#include "torch_program/operator_rows.h"

namespace calib8 {
namespace {

const std::int64_t* integer_in(const Scalar& scalar) {
  return std::get_if<std::int64_t>(&scalar);
}

/// Python's // and %, which round towards minus infinity.
std::optional<std::int64_t> floor_divide(std::int64_t a, std::int64_t b) {
  if (b == 0 || (b == -1 && a == std::numeric_limits<std::int64_t>::min())) return std::nullopt;
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

std::optional<Scalar> of_integers(std::string_view name, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  bool overflows = false;
  if (name == "_operator.add")
    overflows = __builtin_add_overflow(a, b, &result);
  else if (name == "_operator.sub")
    overflows = __builtin_sub_overflow(a, b, &result);
  else if (name == "_operator.mul")
    overflows = __builtin_mul_overflow(a, b, &result);
  else if (name == "_operator.floordiv" || name == "_operator.mod") {
    const auto quotient = floor_divide(a, b);
    if (!quotient) return std::nullopt;
    result = name == "_operator.mod" ? a - *quotient * b : *quotient;
  } else if (name == "torch.sym_max")
    result = std::max(a, b);
  else if (name == "torch.sym_min")
    result = std::min(a, b);
  else
    return std::nullopt;
  return overflows ? std::nullopt : std::optional<Scalar>(result);
}

std::optional<Scalar> of_numbers(std::string_view name, double a, double b) {
  if (name == "_operator.add") return a + b;
  if (name == "_operator.sub") return a - b;
  if (name == "_operator.mul") return a * b;
  if (name == "_operator.truediv" && b != 0) return a / b;
  if (name == "_operator.floordiv" && b != 0) return std::floor(a / b);
  if (name == "_operator.pow" || name == "aten.sym_pow") return std::pow(a, b);
  if (name == "_operator.eq") return a == b;
  if (name == "_operator.ne") return a != b;
  if (name == "_operator.lt") return a < b;
  if (name == "_operator.le") return a <= b;
  if (name == "_operator.gt") return a > b;
  if (name == "_operator.ge") return a >= b;
  if (name == "_operator.and_") return a != 0 && b != 0;
  if (name == "_operator.or_") return a != 0 || b != 0;
  if (name == "torch.sym_max") return std::max(a, b);
  if (name == "torch.sym_min") return std::min(a, b);
  return std::nullopt;
}

std::optional<Scalar> whole(double value) {
  constexpr double largest = 9.0e18;
  if (!(std::abs(value) < largest)) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

std::optional<Scalar> of_one(std::string_view name, const Scalar& scalar) {
  const double a = as_number(scalar);
  if (name == "_operator.neg" && integer_in(scalar)) return -*integer_in(scalar);
  if (name == "_operator.neg") return -a;
  if (name == "torch.sym_float") return a;
  if (name == "torch.sym_int" || name == "math.trunc") return whole(std::trunc(a));
  if (name == "math.floor") return whole(std::floor(a));
  if (name == "math.ceil") return whole(std::ceil(a));
  if (name == "builtins.round") return whole(std::nearbyint(a));
  if (name == "math.sqrt" || name == "torch.sym_sqrt") return std::sqrt(a);
  if (name == "torch.sym_not" || name == "_operator.not_") return a == 0;
  return std::nullopt;
}

}  // namespace

std::optional<Scalar> evaluate_symbolic(std::string_view name, std::span<const Scalar> arguments) {
  if (arguments.size() == 1) return of_one(name, arguments[0]);
  if (arguments.size() != 2) return std::nullopt;
  if (integer_in(arguments[0]) && integer_in(arguments[1])) {
    if (const auto result = of_integers(name, *integer_in(arguments[0]), *integer_in(arguments[1])))
      return result;
    if (name == "_operator.add" || name == "_operator.sub" || name == "_operator.mul" ||
        name == "_operator.floordiv")
      return std::nullopt;  // too large
  }
  return of_numbers(name, as_number(arguments[0]), as_number(arguments[1]));
}

}  // namespace calib8
