#include "quantize/rounding/rounding.h"

#include <array>

namespace calib8 {
namespace {

constexpr std::array methods = {
    RoundingMethod{"correlated", round_correlated},
    RoundingMethod{"nearest", round_to_nearest},
};

}  // namespace

std::span<const RoundingMethod> rounding_methods() {
  return methods;
}

const RoundingMethod& default_rounding() {
  return methods.front();
}

}  // namespace calib8
