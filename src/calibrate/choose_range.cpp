#include "calibrate/choose_range.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/round.h"
#include "tflite_graph/levels.h"

namespace calib8 {
namespace {

Range percentile_range(Range observed, const Histogram& histogram, double tail) {
  const double allowed = tail * static_cast<double>(histogram.total());
  const auto counts = histogram.counts();
  std::size_t first = 0;
  std::size_t last = counts.size() - 1;
  for (double passed = 0; first < last && passed + static_cast<double>(counts[first]) <= allowed; ++first) {
    passed += static_cast<double>(counts[first]);
  }
  for (double passed = 0; last > first && passed + static_cast<double>(counts[last]) <= allowed; --last) {
    passed += static_cast<double>(counts[last]);
  }
  const double low = histogram.first_edge() + static_cast<double>(first) * histogram.bin_width();
  const double high = histogram.first_edge() + static_cast<double>(last + 1) * histogram.bin_width();
  return {std::max(observed.low, static_cast<float>(low)), std::min(observed.high, static_cast<float>(high))};
}

/// Sum of cubed errors when the binned values go through the levels of [low, high] with a whole zero point;
/// or a part of the sum that reaches `enough` already.
double summed_error(const Histogram& histogram, double low, double high, const Levels& levels,
                    double enough) {
  const auto steps = static_cast<double>(levels.steps());
  const double scale = (high - low) / steps;
  if (scale <= 0) return std::numeric_limits<double>::infinity();
  const double zero_level = std::nearbyint(-low / scale);
  const double levels_per_unit = 1 / scale;
  const double width = histogram.bin_width();
  // Values are taken to lie at the middle of their bin; what they vary around it is lost to rounding alike.
  double error = 0;
  double value = histogram.first_edge() + width / 2;
  for (const std::uint64_t count : histogram.counts()) {
    if (count > 0) {
      if (error >= enough) break;
      const double level = std::clamp(round_to_even(value * levels_per_unit + zero_level), 0.0, steps);
      const double magnitude = std::abs((level - zero_level) * scale - value);
      error += static_cast<double>(count) * magnitude * magnitude * magnitude;
    }
    value += width;
  }
  return error;
}

/// Searches both ends of the range on a grid of fractions, wide ranges first: a narrower one must be better
/// to win.
Range least_error_range(Range observed, const Histogram& histogram, const Levels& levels) {
  constexpr int steps = 13;  // 1.00, 0.95, ... 0.40
  const auto fraction = [](int step) { return 1.0 - 0.05 * step; };
  const Range whole = with_zero(observed);
  Range best = whole;
  double least = std::numeric_limits<double>::infinity();
  for (int low_step = 0; low_step < (whole.low < 0 ? steps : 1); ++low_step) {
    for (int high_step = 0; high_step < (whole.high > 0 ? steps : 1); ++high_step) {
      const bool two_sided = whole.low < 0 && whole.high > 0;
      if (two_sided && std::abs(low_step - high_step) > 6) continue;
      const double low = whole.low * fraction(low_step);
      const double high = whole.high * fraction(high_step);
      const double error = summed_error(histogram, low, high, levels, least);
      if (error >= least) continue;
      least = error;
      best = {static_cast<float>(low), static_cast<float>(high)};
    }
  }
  return best;
}

constexpr std::size_t most_samples_with_room = 32;

}  // namespace

Range choose_range(CalibrationMethod method, Range observed, const Histogram& histogram, DType activations) {
  if (histogram.empty()) return observed;
  switch (method) {
    case CalibrationMethod::minmax:
      return observed;
    case CalibrationMethod::percentile:
      return percentile_range(observed, histogram, 1e-4);
    case CalibrationMethod::mse:
      // 16 bits have room for all that was seen, and histograms didn't see all of it.
      if (activations == DType::int16) return observed;
      return least_error_range(observed, histogram, levels_of(activations));
  }
  return observed;
}

Range with_room(Range chosen, Range observed, std::size_t samples, std::optional<float> bound) {
  const double width = static_cast<double>(observed.high) - static_cast<double>(observed.low);
  if (samples > most_samples_with_room) return chosen;
  const double room = width / static_cast<double>(std::max<std::size_t>(samples, 2) - 1);
  constexpr double largest = std::numeric_limits<float>::max();
  const auto is_free = [&](float end) { return end != 0 && end != bound; };
  Range widened = chosen;
  if (chosen.low <= observed.low && is_free(chosen.low))
    widened.low = static_cast<float>(std::max(static_cast<double>(chosen.low) - room, -largest));
  if (chosen.high >= observed.high && is_free(chosen.high))
    widened.high = static_cast<float>(std::min(static_cast<double>(chosen.high) + room, largest));
  return widened;
}

}  // namespace calib8
