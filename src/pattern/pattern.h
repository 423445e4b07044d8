#pragma once

#include <cstddef>
#include <vector>

namespace calib8 {

/// What an expression does, in words that both graphs have.
enum class PatternKind {
  hole,          ///< Anything; the same hole stands for the same value wherever it occurs.
  number,        ///< A constant all of whose elements are one number.
  sum,           ///< Of two terms, in either order.
  product,       ///< Of any tree of multiplications, and divisions by numbers: see product().
  clip,          ///< Cut off to a range.
  hard_sigmoid,  ///< The operator of that name, with 1/6 and 1/2.
  erf,           ///< The error function.
  tanh,          ///< The hyperbolic tangent.
  cube,          ///< The third power, as an operator.
  either,        ///< The first of its operands that fits.
};

/// An expression to look for in a graph, declared once and found in either (match.h). Built by the functions
/// below.
struct Pattern {
  PatternKind kind = PatternKind::hole;
  std::size_t hole = 0;            ///< hole: its number, from 0.
  double number = 0;               ///< number, product: the value.
  double lowest = 0, highest = 0;  ///< clip
  std::vector<Pattern> operands = {};
};

Pattern hole(std::size_t number = 0);
Pattern number(double value);
Pattern operator+(Pattern a, Pattern b);
Pattern clip(Pattern x, double lowest, double highest);
Pattern hard_sigmoid_operator(Pattern x);
Pattern erf_operator(Pattern x);
Pattern tanh_operator(Pattern x);
Pattern cube_operator(Pattern x);
Pattern either(Pattern a, Pattern b);
/// The factors, in any order, times `constant`, however the multiplications are nested: (a / 6) * b, a * (b *
/// 1/6) and (b * a) / 6 are one product of a, b and 1/6.
Pattern product(std::vector<Pattern> factors, double constant = 1);

// --- The patterns that both graphs share ---

/// min(max(x + 3, 0), 6) / 6 of hole 0.
const Pattern& hard_sigmoid_pattern();
/// x times that.
const Pattern& hard_swish_pattern();
/// x (1 + erf(x / sqrt(2))) / 2, and x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, of hole 0.
const Pattern& gelu_pattern();
const Pattern& gelu_tanh_pattern();

}  // namespace calib8
