#include "quantize/rounding/rounding.h"

#include <algorithm>
#include <array>
#include <string>

#include "calib8/error.h"

namespace calib8 {
namespace {

constexpr std::array methods = {
    RoundingMethod{"correlated", round_correlated},
    RoundingMethod{"nearest", round_to_nearest},
    RoundingMethod{"second-order", round_second_order},
};

}  // namespace

std::span<const RoundingMethod> rounding_methods() {
  return methods;
}

const RoundingMethod& default_rounding() {
  return methods.front();
}

const RoundingMethod& rounding_method(std::string_view name) {
  const auto found = std::ranges::find(methods, name, &RoundingMethod::name);
  if (found == methods.end()) throw Error(ErrorCode::internal, "no such rounding method", std::string(name));
  return *found;
}

std::size_t filter_count(const WeightsToRound& task) {
  return static_cast<std::size_t>(task.weights.shape[task.quantization.axis == 3 ? 3 : 0]);
}

Filter filter_of(const WeightsToRound& task, std::size_t index) {
  const std::size_t filters = filter_count(task);
  const std::size_t count = filters == 0 ? 0 : static_cast<std::size_t>(task.weights.count()) / filters;
  return task.quantization.axis == 3 ? Filter{index, filters, count} : Filter{index * count, 1, count};
}

std::vector<double> mean_lost(const WeightsToRound& task, std::span<const std::int8_t> levels,
                              const LayerInputs& inputs) {
  const auto weights = task.weights.as<float>();
  const std::size_t filters = filter_count(task);
  std::vector<double> lost(filters, 0), mean;
  for (std::size_t index = 0; index < filters; ++index) {
    const std::size_t per_group = filters / inputs.groups;
    if (index % per_group == 0) mean = inputs.mean(index / per_group);
    const Filter filter = filter_of(task, index);
    const double scale = task.quantization.scales[task.quantization.scales.size() == 1 ? 0 : index];
    for (std::size_t i = 0; i < filter.count; ++i) {
      const std::size_t place = filter.first + i * filter.step;
      lost[index] += (weights[place] - scale * levels[place]) * mean[i] * inputs.level;
    }
  }
  return lost;
}

}  // namespace calib8
