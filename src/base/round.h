#pragma once

namespace calib8 {

/// The nearest whole number, ties to even, of |value| < 2^51 in the default rounding mode: what
/// std::nearbyint gives, without its call into the mathematics library, and so that loops over it
/// vectorize. 1.5 * 2^52 leaves a double no bits for fractions, so that the addition itself rounds.
inline double round_to_even(double value) {
  constexpr double no_fractions = 6755399441055744.0;
  return (value + no_fractions) - no_fractions;
}

}  // namespace calib8
