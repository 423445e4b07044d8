#include "optimize/targets/targets.h"

#include <array>

namespace calib8 {

std::span<const TargetTraits* const> all_targets() {
  static const std::array<const TargetTraits*, 2> all = {&litert_cpu(), &tflm()};
  return all;
}

}  // namespace calib8
