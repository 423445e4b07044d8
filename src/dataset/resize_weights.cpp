#include "dataset/resize_weights.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace calib8 {
namespace {

/// A filter's weight at a distance from the centre, in input pixels (or output pixels where those are
/// larger), and the distance beyond which it is zero.
struct Filter {
  double support;
  double (*weight)(double distance);
};

double triangle(double distance) {
  distance = std::abs(distance);
  return distance < 1.0 ? 1.0 - distance : 0.0;
}

Filter filter_of(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::bilinear:
      return {1.0, triangle};
  }
  return {1.0, triangle};
}

std::int32_t to_fixed_point(double weight) {
  const double scaled = weight * (1 << kWeightBits);
  return static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

void set_weight(WeightPair* pairs, int tap, std::int32_t weight) {
  const auto high = static_cast<std::uint16_t>(weight / (1 << kLowWeightBits));
  const auto low = static_cast<std::uint16_t>(weight % (1 << kLowWeightBits));
  const int shift = 16 * (tap & 1);
  pairs[tap / 2].high |= static_cast<std::uint32_t>(high) << shift;
  pairs[tap / 2].low |= static_cast<std::uint32_t>(low) << shift;
}

std::int32_t weight_of(const WeightPair* pairs, int tap) {
  const int shift = 16 * (tap & 1);
  const auto high = static_cast<std::int16_t>(pairs[tap / 2].high >> shift);
  const auto low = static_cast<std::int16_t>(pairs[tap / 2].low >> shift);
  return high * (1 << kLowWeightBits) + low;
}

}  // namespace

std::uint8_t weigh(const std::uint8_t* bytes, std::size_t step, int count, const WeightPair* pairs) {
  std::int32_t sum = 1 << (kWeightBits - 1);
  for (int tap = 0; tap < count; ++tap)
    sum += weight_of(pairs, tap) * bytes[static_cast<std::size_t>(tap) * step];
  return static_cast<std::uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}

AxisWeights compute_weights(int input_size, int output_size, Interpolation interpolation) {
  const Filter filter = filter_of(interpolation);
  const double scale = static_cast<double>(input_size) / output_size;
  const double filter_scale = std::max(scale, 1.0);
  const double inverse_scale = 1.0 / filter_scale;
  const double support = filter.support * filter_scale;

  AxisWeights axis;
  int most_taps = 0;
  for (int i = 0; i < output_size; ++i) {
    const double center = (i + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int count = std::min(static_cast<int>(center + support + 0.5), input_size) - first;
    axis.windows.push_back({first, count});
    most_taps = std::max(most_taps, count);
  }
  axis.stride = (most_taps + 1) / 2;
  axis.pairs.resize(static_cast<std::size_t>(output_size) * static_cast<std::size_t>(axis.stride));
  std::vector<double> weights(static_cast<std::size_t>(most_taps));
  for (int i = 0; i < output_size; ++i) {
    const double center = (i + 0.5) * scale;
    const Window window = axis.windows[i];
    double sum = 0.0;
    for (int tap = 0; tap < window.count; ++tap) {
      weights[tap] = filter.weight((tap + window.first - center + 0.5) * inverse_scale);
      sum += weights[tap];
    }
    WeightPair* pairs =
        axis.pairs.data() + static_cast<std::size_t>(i) * static_cast<std::size_t>(axis.stride);
    for (int tap = 0; tap < window.count; ++tap) {
      set_weight(pairs, tap, to_fixed_point(sum != 0.0 ? weights[tap] / sum : weights[tap]));
    }
  }
  return axis;
}

}  // namespace calib8
