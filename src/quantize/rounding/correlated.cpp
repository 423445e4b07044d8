#include <algorithm>
#include <cmath>

#include "quantize/rounding/rounding.h"

namespace calib8 {
namespace {

/// Weights that share inputs which rise and fall together: `count` elements from `first` on, `step` apart.
struct Group {
  std::size_t first, step, count;
};

std::vector<Group> find_groups(const Shape& shape, std::int32_t axis, Correlation correlation) {
  std::vector<Group> groups;
  if (correlation == Correlation::none || shape.size() != 4) return groups;
  const auto taps = static_cast<std::size_t>(shape[1] * shape[2]);
  const auto inner =
      static_cast<std::size_t>(shape[3]);  // input channels, or filters of a depthwise convolution
  if (axis == 3) {
    for (std::size_t filter = 0; filter < inner; ++filter) groups.push_back({filter, inner, taps});
    return groups;
  }
  for (std::size_t filter = 0; filter < static_cast<std::size_t>(shape[0]); ++filter) {
    const std::size_t start = filter * taps * inner;
    if (correlation == Correlation::whole_filter) {
      groups.push_back({start, 1, taps * inner});
    } else {
      for (std::size_t channel = 0; channel < inner; ++channel)
        groups.push_back({start + channel, inner, taps});
    }
  }
  return groups;
}

/// Moves the weights of a group whose errors are largest to their second nearest level, until the errors' sum
/// is at most half a level. `errors` are what rounding took away, in levels.
void balance(const Group& group, std::vector<std::int8_t>& levels, const std::vector<float>& errors) {
  double sum = 0;
  for (std::size_t i = 0; i < group.count; ++i) sum += errors[group.first + i * group.step];
  const int surplus = static_cast<int>(std::nearbyint(sum));
  if (surplus == 0) return;
  std::vector<std::size_t> members(group.count);
  for (std::size_t i = 0; i < group.count; ++i) members[i] = group.first + i * group.step;
  const int direction = surplus > 0 ? 1 : -1;
  std::stable_sort(members.begin(), members.end(), [&](std::size_t a, std::size_t b) {
    return direction > 0 ? errors[a] > errors[b] : errors[a] < errors[b];
  });
  int left = std::abs(surplus);
  for (const std::size_t member : members) {
    if (left == 0) return;
    if (errors[member] * static_cast<float>(direction) <= 0 || std::abs(levels[member] + direction) > 127)
      continue;
    levels[member] = static_cast<std::int8_t>(levels[member] + direction);
    --left;
  }
}

}  // namespace

std::vector<std::int8_t> round_correlated(const WeightsToRound& task) {
  NearestLevels nearest = nearest_levels(task);
  const std::int32_t axis = task.quantization.axis;
  for (const Group& group : find_groups(task.weights.shape, axis, task.correlation))
    balance(group, nearest.levels, nearest.errors);
  return std::move(nearest.levels);
}

}  // namespace calib8
