#include "ops/arithmetic/arithmetic.h"

#include <cmath>
#include <type_traits>

#include "ops/infer.h"
#include "ops/strided.h"

namespace calib8 {
namespace {

/// Signed integers wrap around: computed without sign, where that is defined.
template <class T, class Operation>
T wrapping(T a, T b, Operation operation) {
  if constexpr (std::is_integral_v<T>) {
    using Unsigned = std::make_unsigned_t<T>;
    return static_cast<T>(operation(static_cast<Unsigned>(a), static_cast<Unsigned>(b)));
  } else {
    return operation(a, b);
  }
}

template <class T>
T divide(const NodeView& view, T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0) view.fail("divides an integer by zero");
    if (b == -1) return wrapping(T{0}, a, [](auto x, auto y) { return x - y; });
  }
  return a / b;
}

template <class T>
T modulo(const NodeView& view, T a, T b, bool sign_of_dividend) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0) view.fail("divides an integer by zero");
    if (b == -1) return 0;
    const T rest = a % b;
    return !sign_of_dividend && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  } else {
    return std::fmod(a, b);
  }
}

template <class T>
T power(T base, T exponent) {
  if constexpr (std::is_integral_v<T>) {
    if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
    T result = 1;
    const auto times = [](auto x, auto y) { return x * y; };
    for (T rest = exponent; rest > 0; rest /= 2) {
      if (rest % 2 != 0) result = wrapping(result, base, times);
      base = wrapping(base, base, times);
    }
    return result;
  } else {
    if (exponent == 2) return base * base;
    if (exponent == 3) return base * base * base;
    return std::pow(base, exponent);
  }
}

template <class T, class Operation>
Tensor apply_pairs(const Tensor& a, const Tensor& b, const Shape& shape, Operation operation) {
  std::vector<T> values(static_cast<std::size_t>(element_count(shape).value()));
  const auto x = a.as<T>(), y = b.as<T>();
  for_each_pair(shape, broadcast_strides(a.shape, shape), broadcast_strides(b.shape, shape),
                [&](std::int64_t i, std::int64_t at, std::int64_t bt) {
                  values[static_cast<std::size_t>(i)] =
                      operation(x[static_cast<std::size_t>(at)], y[static_cast<std::size_t>(bt)]);
                });
  return make_tensor(shape, std::move(values));
}

/// operation(a, b) for each pair of a broadcast, in the tensors' own type; no tensor where they are not
/// folded.
template <class Operation>
std::vector<Tensor> apply(const NodeView& view, const Tensor& a, const Tensor& b, Operation operation) {
  if (a.dtype != b.dtype) view.fail("its inputs have different types");
  const auto both =
      broadcast(view, *static_type(a.dtype, a.shape).shape, *static_type(b.dtype, b.shape).shape);
  const Shape shape = OnnxType{a.dtype, both}.static_shape();
  if (!is_foldable_size(shape, a.dtype)) return {};
  switch (a.dtype) {
    case DType::float32:
      return {apply_pairs<float>(a, b, shape, operation)};
    case DType::float64:
      return {apply_pairs<double>(a, b, shape, operation)};
    case DType::int32:
      return {apply_pairs<std::int32_t>(a, b, shape, operation)};
    case DType::int64:
      return {apply_pairs<std::int64_t>(a, b, shape, operation)};
    default:
      return {};
  }
}

const Tensor& operand(const NodeView& view, std::size_t position) {
  const Tensor* tensor = view.constant(position);
  if (!tensor) view.fail("input " + std::to_string(position) + " is missing");
  return *tensor;
}

template <class Operation>
std::vector<Tensor> apply(const NodeView& view, Operation operation) {
  return apply(view, operand(view, 0), operand(view, 1), operation);
}

template <class Operation>
std::vector<Tensor> apply_over_inputs(const NodeView& view, Operation operation) {
  std::vector<Tensor> result{operand(view, 0)};
  for (std::size_t i = 1; i < view.node.inputs.size() && !result.empty(); ++i) {
    result = apply(view, result[0], operand(view, i), operation);
  }
  return result;
}

template <class T, class Operation>
Tensor apply_each(const Tensor& tensor, Operation operation) {
  std::vector<T> values;
  values.reserve(static_cast<std::size_t>(tensor.count()));
  for (const T value : tensor.as<T>()) values.push_back(operation(value));
  return make_tensor(tensor.shape, std::move(values));
}

/// operation(x) for each element of a floating tensor.
template <class Operation>
std::vector<Tensor> apply_to_real(const NodeView& view, Operation operation) {
  const Tensor& tensor = operand(view, 0);
  if (tensor.dtype == DType::float32) return {apply_each<float>(tensor, operation)};
  if (tensor.dtype == DType::float64) return {apply_each<double>(tensor, operation)};
  return {};
}

/// The same for one of integers too.
template <class Operation>
std::vector<Tensor> apply_to_number(const NodeView& view, Operation operation) {
  const Tensor& tensor = operand(view, 0);
  if (tensor.dtype == DType::int32) return {apply_each<std::int32_t>(tensor, operation)};
  if (tensor.dtype == DType::int64) return {apply_each<std::int64_t>(tensor, operation)};
  return apply_to_real(view, operation);
}

template <class T>
T negated(T value) {
  return wrapping(T{0}, value, [](auto a, auto b) { return a - b; });
}

}  // namespace

std::vector<Tensor> fold_add(const NodeView& view) {
  return apply(view, [](auto a, auto b) { return wrapping(a, b, [](auto x, auto y) { return x + y; }); });
}
std::vector<Tensor> fold_sub(const NodeView& view) {
  return apply(view, [](auto a, auto b) { return wrapping(a, b, [](auto x, auto y) { return x - y; }); });
}
std::vector<Tensor> fold_mul(const NodeView& view) {
  return apply(view, [](auto a, auto b) { return wrapping(a, b, [](auto x, auto y) { return x * y; }); });
}
std::vector<Tensor> fold_div(const NodeView& view) {
  return apply(view, [&view](auto a, auto b) { return divide(view, a, b); });
}
std::vector<Tensor> fold_mod(const NodeView& view) {
  const bool sign_of_dividend = view.node.get_int("fmod", 0) != 0;
  return apply(view, [&](auto a, auto b) { return modulo(view, a, b, sign_of_dividend); });
}
std::vector<Tensor> fold_pow(const NodeView& view) {
  if (operand(view, 0).dtype != operand(view, 1).dtype) return {};  // allowed, but no exporter writes it
  return apply(view, [](auto a, auto b) { return power(a, b); });
}
std::vector<Tensor> fold_max(const NodeView& view) {
  return apply_over_inputs(view, [](auto a, auto b) { return a != a || a > b ? a : b; });
}
std::vector<Tensor> fold_min(const NodeView& view) {
  return apply_over_inputs(view, [](auto a, auto b) { return a != a || a < b ? a : b; });
}

std::vector<Tensor> fold_sqrt(const NodeView& view) {
  return apply_to_real(view, [](auto x) { return std::sqrt(x); });
}
std::vector<Tensor> fold_exp(const NodeView& view) {
  return apply_to_real(view, [](auto x) { return std::exp(x); });
}
std::vector<Tensor> fold_log(const NodeView& view) {
  return apply_to_real(view, [](auto x) { return std::log(x); });
}
std::vector<Tensor> fold_neg(const NodeView& view) {
  return apply_to_number(view, [](auto x) {
    if constexpr (std::is_floating_point_v<decltype(x)>) {
      return -x;
    } else {
      return negated(x);
    }
  });
}
std::vector<Tensor> fold_abs(const NodeView& view) {
  return apply_to_number(view, [](auto x) {
    if constexpr (std::is_floating_point_v<decltype(x)>) {
      return std::fabs(x);
    } else {
      return x < 0 ? negated(x) : x;
    }
  });
}
std::vector<Tensor> fold_reciprocal(const NodeView& view) {
  return apply_to_real(view, [](auto x) { return decltype(x){1} / x; });
}
std::vector<Tensor> fold_floor(const NodeView& view) {
  return apply_to_real(view, [](auto x) { return std::floor(x); });
}
std::vector<Tensor> fold_ceil(const NodeView& view) {
  return apply_to_real(view, [](auto x) { return std::ceil(x); });
}
std::vector<Tensor> fold_round(const NodeView& view) {
  return apply_to_real(view, [](auto x) { return std::nearbyint(x); });
}
std::vector<Tensor> fold_sign(const NodeView& view) {
  return apply_to_number(view, [](auto x) {
    using T = decltype(x);
    return x != x ? x : static_cast<T>((x > T{0} ? 1 : 0) - (x < T{0} ? 1 : 0));
  });
}
std::vector<Tensor> fold_sin(const NodeView& view) {
  return apply_to_real(view, [](auto x) { return std::sin(x); });
}
std::vector<Tensor> fold_cos(const NodeView& view) {
  return apply_to_real(view, [](auto x) { return std::cos(x); });
}
std::vector<Tensor> fold_erf(const NodeView& view) {
  return apply_to_real(view, [](auto x) { return std::erf(x); });
}

}  // namespace calib8
