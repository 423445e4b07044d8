#include "tasks/resample.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace calib8 {

Bounds resample(std::size_t count, const std::function<double(std::span<const int> times)>& statistic,
                int draws) {
  std::mt19937_64 random(1);  // the standard fixes its numbers; those of its distributions it doesn't
  std::vector<double> values;
  std::vector<int> times(count);
  for (int draw = 0; draw < draws; ++draw) {
    std::ranges::fill(times, 0);
    for (std::size_t i = 0; i < count; ++i) ++times[random() % count];
    values.push_back(statistic(times));
  }
  std::ranges::sort(values);
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
  };
  return {at(0.025), at(0.975)};
}

}  // namespace calib8
