#include <algorithm>
#include <cmath>

#include "base/round.h"
#include "quantize/rounding/rounding.h"

namespace calib8 {

NearestLevels nearest_levels(const WeightsToRound& task) {
  const auto values = task.weights.as<float>();
  const auto& [scales, zero_points, axis] = task.quantization;
  std::size_t inner = 1;
  for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < task.weights.shape.size(); ++i) {
    inner *= static_cast<std::size_t>(task.weights.shape[i]);
  }
  NearestLevels result{std::vector<std::int8_t>(values.size()), std::vector<float>(values.size())};
  for (std::size_t start = 0; start < values.size(); start += inner) {
    const double scale = scales[start / inner % scales.size()];
    for (std::size_t i = start; i < start + inner; ++i) {
      const double exact = values[i] / scale;
      const double level = std::clamp(round_to_even(exact), -127.0, 127.0);
      result.levels[i] = static_cast<std::int8_t>(level);
      result.errors[i] = static_cast<float>(exact - level);
    }
  }
  return result;
}

std::vector<std::int8_t> round_to_nearest(const WeightsToRound& task) {
  return nearest_levels(task).levels;
}

}  // namespace calib8
