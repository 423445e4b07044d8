#include "image/resize_weights.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "calib8/error.h"

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

/// Keys's cubic with a = -0.5; the order of the operations is Pillow's, as the last bit shows.
double cubic(double distance) {
  constexpr double a = -0.5;
  distance = std::abs(distance);
  if (distance < 1.0) return ((a + 2.0) * distance - (a + 3.0)) * distance * distance + 1;
  if (distance < 2.0) return (((distance - 5) * distance + 8) * distance - 4) * a;
  return 0.0;
}

double sinc(double distance) {
  if (distance == 0.0) return 1.0;
  const double angle = distance * std::numbers::pi;
  return std::sin(angle) / angle;
}

/// A sinc under the middle lobe of one three times as wide.
double lanczos(double distance) {
  return -3.0 <= distance && distance < 3.0 ? sinc(distance) * sinc(distance / 3) : 0.0;
}

Filter filter_of(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::nearest:
      break;  // copies pixels and weighs none
    case Interpolation::bilinear:
      return {1.0, triangle};
    case Interpolation::bicubic:
      return {2.0, cubic};
    case Interpolation::lanczos:
      return {3.0, lanczos};
  }
  throw Error(ErrorCode::internal, "not an Interpolation with weights");
}

/// How positions of one axis map to the other size.
struct Scale {
  Filter filter;
  int input_size;
  double factor;            ///< Input pixels to an output pixel.
  double inverse_widening;  ///< Of the filter, where the picture shrinks.
  double support;           ///< In input pixels.

  double center(int position) const { return (position + 0.5) * factor; }
  Window window(int position) const {
    const int first = std::max(static_cast<int>(center(position) - support + 0.5), 0);
    return {first, std::min(static_cast<int>(center(position) + support + 0.5), input_size) - first};
  }
};

Scale scale_of(int input_size, int output_size, Interpolation interpolation) {
  const Filter filter = filter_of(interpolation);
  const double factor = static_cast<double>(input_size) / output_size;
  const double widening = std::max(factor, 1.0);
  return {filter, input_size, factor, 1.0 / widening, filter.support * widening};
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

Window window_of(int input_size, int output_size, const Outputs& outputs, Interpolation interpolation) {
  const Scale scale = scale_of(input_size, output_size, interpolation);
  const Window first = scale.window(outputs.begin), last = scale.window(outputs.begin + outputs.count - 1);
  return {first.first, last.first + last.count - first.first};
}

AxisWeights compute_weights(int input_size, int output_size, const Outputs& outputs,
                            Interpolation interpolation) {
  const Scale scale = scale_of(input_size, output_size, interpolation);
  AxisWeights axis;
  int most_taps = 0;
  for (int i = 0; i < outputs.count; ++i) {
    axis.windows.push_back(scale.window(outputs.begin + i));
    most_taps = std::max(most_taps, axis.windows.back().count);
  }
  axis.stride = (most_taps + 1) / 2;
  axis.pairs.resize(static_cast<std::size_t>(outputs.count) * static_cast<std::size_t>(axis.stride));
  std::vector<double> weights(static_cast<std::size_t>(most_taps));
  for (int i = 0; i < outputs.count; ++i) {
    const double center = scale.center(outputs.begin + i);
    const Window window = axis.windows[static_cast<std::size_t>(i)];
    double sum = 0.0;
    for (int tap = 0; tap < window.count; ++tap) {
      weights[tap] = scale.filter.weight((tap + window.first - center + 0.5) * scale.inverse_widening);
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
