#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace calib8::property {

/// A number in exact arithmetic, and how far a computation that rounds may be from it: in float32 by whatever
/// order of the operations, or in int8 where somebody has added the steps. The bound is worst-case to first
/// order and grows as the numbers cancel, so that comparisons need no tolerance of their own.
struct Real {
  double value = 0;
  double error = 0;
};

/// What one operation in float32 may lose: twice the rounding, for what a pass computes in another way.
inline constexpr double float_unit = 0x1p-23;

/// What a float32 too small to be normal may lose: processors flush it to zero.
inline double lost_below_normal(double value) {
  constexpr double least_normal = 0x1p-126;
  return value != 0 && std::abs(value) < least_normal ? least_normal : 0;
}

/// magnitude * error; zero times an unbounded error is zero.
inline double scaled_error(double magnitude, double error) {
  return magnitude == 0 || error == 0 ? 0 : std::abs(magnitude) * error;
}

inline Real operator+(Real a, Real b) {
  return {a.value + b.value, a.error + b.error + float_unit * (std::abs(a.value) + std::abs(b.value))};
}
inline Real operator-(Real a) {
  return {-a.value, a.error};
}
inline Real operator-(Real a, Real b) {
  return a + -b;
}
inline Real operator*(Real a, Real b) {
  const double product = a.value * b.value;
  // What nothing is known of may be infinite, and zero times that is no number.
  if (std::isinf(a.error) || std::isinf(b.error)) return {product, std::numeric_limits<double>::infinity()};
  const double both = a.error == 0 || b.error == 0 ? 0 : a.error * b.error;
  return {product, scaled_error(a.value, b.error) + scaled_error(b.value, a.error) + both +
                       float_unit * std::abs(product) + lost_below_normal(product)};
}
inline Real operator/(Real a, Real b) {
  const double quotient = a.value / b.value, room = std::abs(b.value) - b.error;
  if (!(room > 0)) return {quotient, std::numeric_limits<double>::infinity()};
  return {quotient, (a.error + scaled_error(quotient, b.error)) / room + 2 * float_unit * std::abs(quotient)};
}
inline Real larger(Real a, Real b) {
  return {std::max(a.value, b.value), std::max(a.error, b.error)};
}
inline Real smaller(Real a, Real b) {
  return {std::min(a.value, b.value), std::max(a.error, b.error)};
}

/// A sum of many terms, in an order that nobody knows.
class Sum {
 public:
  void add(Real term) {
    value_ += term.value;
    error_ += term.error;
    magnitude_ += std::abs(term.value);
    ++count_;
  }
  std::int64_t count() const { return count_; }
  Real total() const { return {value_, error_ + 4 * float_unit * magnitude_}; }

 private:
  double value_ = 0, error_ = 0, magnitude_ = 0;
  std::int64_t count_ = 0;
};

/// f(x) where f changes by at most `slope` times what x changes, and a float32 kernel is exact to
/// `absolute` + a hundred-thousandth.
template <class Function>
Real lipschitz(Real x, double slope, double absolute, Function f) {
  const double value = f(x.value);
  return {value, scaled_error(slope, x.error) + absolute + 1e-5 * std::abs(value)};
}

/// f(x) for a function that only rises or only falls within x's bounds.
template <class Function>
Real monotone(Real x, double absolute, Function f) {
  const double value = f(x.value);
  double spread = 0;
  if (x.error > 0) {
    const double above = std::abs(f(x.value + x.error) - value),
                 below = std::abs(f(x.value - x.error) - value);
    const bool is_bounded = std::isfinite(above) && std::isfinite(below);
    spread = is_bounded ? std::max(above, below) : std::numeric_limits<double>::infinity();
  }
  return {value, spread + absolute + 1e-5 * std::abs(value)};
}

}  // namespace calib8::property
