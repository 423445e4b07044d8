#pragma once

#include "real.h"

/// The functions of one number that both ONNX and TFLite have.
namespace calib8::property {

/// What may be no number at all (0 / 0, where int8 has 0 for little) is bounded by nothing.
inline Real clamped(Real x, double low, double high) {
  return {std::min(std::max(x.value, low), high),
          std::isinf(x.error) ? x.error : std::min(x.error, high - low)};
}
inline Real relu(Real x) {
  return clamped(x, 0, INFINITY);
}
inline Real absolute(Real x) {
  return {std::abs(x.value), x.error};
}
inline Real logistic(Real x) {
  const Real y = lipschitz(x, 0.25, 1e-6, [](double v) { return 1 / (1 + std::exp(-v)); });
  return {y.value, std::min(y.error, 1.0)};
}
inline Real hyperbolic_tangent(Real x) {
  const Real y = lipschitz(x, 1, 1e-6, [](double v) { return std::tanh(v); });
  return {y.value, std::min(y.error, 2.0)};
}
/// The terms x * 3 / 6 and x * x / 6 are rounded before they are summed up or cut.
inline Real hard_swish(Real x) {
  const double value = x.value * std::min(std::max(x.value + 3, 0.0), 6.0) / 6;
  return {value, 1.5 * x.error + 8 * float_unit * (std::abs(x.value) + std::abs(value))};
}
inline Real hard_sigmoid(Real x, double alpha, double beta) {
  const double exact = alpha * x.value + beta;
  const double error =
      std::abs(alpha) * x.error + 4 * float_unit * (std::abs(alpha * x.value) + std::abs(beta) + 1);
  return {std::min(std::max(exact, 0.0), 1.0), std::min(error, 1.0)};
}
inline Real leaky_relu(Real x, double alpha) {
  const double value = x.value < 0 ? alpha * x.value : x.value;
  return {value, std::max(1.0, std::abs(alpha)) * x.error + 2 * float_unit * std::abs(value)};
}
inline Real elu(Real x, double alpha) {
  return lipschitz(x, std::max(1.0, std::abs(alpha)), 1e-6 * (1 + std::abs(alpha)),
                   [&](double v) { return v < 0 ? alpha * std::expm1(v) : v; });
}
inline Real celu(Real x, double alpha) {
  return lipschitz(x, 1, 1e-6 * std::abs(alpha),
                   [&](double v) { return v < 0 ? alpha * std::expm1(v / alpha) : v; });
}
inline Real gelu(Real x, bool approximate) {
  constexpr double root_half = 0.7071067811865476, root_two_over_pi = 0.7978845608028654;
  return lipschitz(x, 1.13, 1e-5, [&](double v) {
    const double gate =
        approximate ? std::tanh(root_two_over_pi * (v + 0.044715 * v * v * v)) : std::erf(v * root_half);
    return 0.5 * v * (1 + gate);
  });
}
inline Real exponential(Real x) {
  // A float32 argument is itself rounded, which weighs the more the larger it is.
  return monotone({x.value, x.error + float_unit * std::abs(x.value)}, 1e-30,
                  [](double v) { return std::exp(v); });
}
inline Real logarithm(Real x) {
  return monotone(x, 1e-6, [](double v) { return std::log(v); });
}
inline Real square_root(Real x) {
  const double value = std::sqrt(x.value);
  const double up = std::sqrt(x.value + x.error) - value;
  const double down = x.error >= x.value ? value : value - std::sqrt(x.value - x.error);
  return {value, std::max(up, down) + 1e-6 * value};
}
inline Real reciprocal_square_root(Real x) {
  return Real{1} / square_root(x);
}

}  // namespace calib8::property
