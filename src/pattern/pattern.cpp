#include "pattern/pattern.h"

#include <utility>

namespace calib8 {

Pattern hole(std::size_t number) {
  return {.kind = PatternKind::hole, .hole = number};
}

Pattern number(double value) {
  return {.kind = PatternKind::number, .number = value};
}

Pattern operator+(Pattern a, Pattern b) {
  return {.kind = PatternKind::sum, .operands = {std::move(a), std::move(b)}};
}

Pattern clip(Pattern x, double lowest, double highest) {
  return {.kind = PatternKind::clip, .lowest = lowest, .highest = highest, .operands = {std::move(x)}};
}

Pattern hard_sigmoid_operator(Pattern x) {
  return {.kind = PatternKind::hard_sigmoid, .operands = {std::move(x)}};
}

Pattern erf_operator(Pattern x) {
  return {.kind = PatternKind::erf, .operands = {std::move(x)}};
}

Pattern tanh_operator(Pattern x) {
  return {.kind = PatternKind::tanh, .operands = {std::move(x)}};
}

Pattern cube_operator(Pattern x) {
  return {.kind = PatternKind::cube, .operands = {std::move(x)}};
}

Pattern either(Pattern a, Pattern b) {
  return {.kind = PatternKind::either, .operands = {std::move(a), std::move(b)}};
}

Pattern product(std::vector<Pattern> factors, double constant) {
  return {.kind = PatternKind::product, .number = constant, .operands = std::move(factors)};
}

const Pattern& hard_sigmoid_pattern() {
  static const Pattern pattern = product({clip(hole() + number(3), 0, 6)}, 1.0 / 6);
  return pattern;
}

const Pattern& hard_swish_pattern() {
  static const Pattern pattern = either(product({hole(), clip(hole() + number(3), 0, 6)}, 1.0 / 6),
                                        product({hole(), hard_sigmoid_operator(hole())}));
  return pattern;
}

const Pattern& gelu_pattern() {
  static const Pattern pattern =
      product({hole(), erf_operator(product({hole()}, 0.70710678118654752)) + number(1)}, 0.5);
  return pattern;
}

const Pattern& gelu_tanh_pattern() {
  constexpr double third = 0.044715, root = 0.79788456080286536;
  static const Pattern pattern = [] {
    const Pattern cube =
        either(product({cube_operator(hole())}, third), product({hole(), hole(), hole()}, third));
    const Pattern outside = product({hole() + cube}, root);
    const Pattern inside = product({hole(), product({hole(), hole()}, third) + number(1)}, root);
    return product({hole(), tanh_operator(either(outside, inside)) + number(1)}, 0.5);
  }();
  return pattern;
}

}  // namespace calib8
