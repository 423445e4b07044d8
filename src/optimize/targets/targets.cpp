#include "optimize/targets/targets.h"

#include <array>
#include <string>

#include "calib8/error.h"

namespace calib8 {

std::span<const TargetTraits* const> all_targets() {
  static const std::array<const TargetTraits*, 2> all = {&litert_cpu(), &tflm()};
  return all;
}

void require_runtime(const TargetTraits& target) {
  if (target.has_runtime) return;
  throw Error(ErrorCode::usage,
              "calib8 can't run models for " + std::string(target.name) + ", and so verifies none for it");
}

}  // namespace calib8
