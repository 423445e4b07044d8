#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "image/resize.h"

namespace calib8 {

/// Fractional bits of a weight: 32 less the 8 bits of a pixel and 2 for the sign and the overshoot of filters
/// with negative lobes, so that a weighted sum fits in 32 bits.
inline constexpr int kWeightBits = 22;

/// A weight is split as high * 2^11 + low, both truncated towards zero, so that each half fits the 16 bit
/// multipliers and neither half's sum can exceed the whole one's.
inline constexpr int kLowWeightBits = 11;

/// Two neighbouring weights' halves, the first in the low 16 bits: what one multiply-add of 16 bit pairs
/// takes.
struct WeightPair {
  std::uint32_t high = 0;
  std::uint32_t low = 0;
};

/// The input pixels that one output pixel is made of: `count` of them from `first`.
struct Window {
  int first = 0;
  int count = 0;
};

/// A run of output positions of one axis.
struct Outputs {
  int begin = 0;
  int count = 0;
};

/// One axis of a resize: for each output position its window, and its weights by pairs, `stride` pairs apart,
/// with zeros after a window's own.
struct AxisWeights {
  int stride = 0;
  std::vector<Window> windows;
  std::vector<WeightPair> pairs;

  const WeightPair* pairs_of(int position) const {
    return pairs.data() + static_cast<std::size_t>(position) * static_cast<std::size_t>(stride);
  }
};

/// The input pixels from which `outputs` of a resize to `output_size` are made. Not for
/// Interpolation::nearest.
Window window_of(int input_size, int output_size, const Outputs& outputs, Interpolation interpolation);

/// The weights of `outputs` where `input_size` pixels become `output_size`, in Pillow's arithmetic (double,
/// then rounded to fixed point, halves away from zero). Not for Interpolation::nearest, which has none.
AxisWeights compute_weights(int input_size, int output_size, const Outputs& outputs,
                            Interpolation interpolation);

/// The weighted sum of `count` bytes that lie `step` apart, rounded and clipped to 0..255: one value of the
/// result, for machines without vectors and for what is left over after the last whole vector.
std::uint8_t weigh(const std::uint8_t* bytes, std::size_t step, int count, const WeightPair* pairs);

}  // namespace calib8
