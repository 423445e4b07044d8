#include "dataset/resize.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "dataset/resize_weights.h"

// This file is compiled once for each instruction set; the one that the machine has is chosen when it runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dataset/resize.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace calib8::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

void resize_row(const std::uint8_t* row, const AxisWeights& axis, std::uint8_t* result) {
  for (std::size_t x = 0; x < axis.windows.size(); ++x) {
    const Window window = axis.windows[x];
    const std::uint8_t* pixels = row + std::size_t{3} * static_cast<std::size_t>(window.first);
    for (std::size_t c = 0; c < 3; ++c) {
      result[3 * x + c] = weigh(pixels + c, 3, window.count, axis.pairs_of(static_cast<int>(x)));
    }
  }
}

std::size_t blend_whole_vectors(const std::uint8_t*, std::size_t, int, const WeightPair*, std::uint8_t*) {
  return 0;
}

#else

// 128 bit vectors everywhere: the decoder takes ten times as long, and blocks of wider vectors would need
// reordering.
using Bytes = hn::FixedTag<std::uint8_t, 16>;
using Half = hn::FixedTag<std::uint8_t, 8>;
using Words = hn::FixedTag<std::int16_t, 8>;
using Integers = hn::FixedTag<std::int32_t, 4>;
using Quarter = hn::FixedTag<std::uint8_t, 4>;

/// Four weighted sums, each weight's high and low half apart.
struct Sums {
  hn::Vec<Integers> high_even, high_odd, low_even, low_odd;

  HWY_INLINE Sums()
      : high_even(hn::Zero(Integers())),
        high_odd(hn::Zero(Integers())),
        low_even(hn::Zero(Integers())),
        low_odd(hn::Zero(Integers())) {}

  /// Adds pixel pairs (two neighbours' values side by side) times a pair of weights.
  HWY_INLINE void add(hn::Vec<Words> pixel_pairs, const WeightPair& weights) {
    const Integers integers;
    const Words words;
    const auto high = hn::BitCast(words, hn::Set(integers, static_cast<std::int32_t>(weights.high)));
    const auto low = hn::BitCast(words, hn::Set(integers, static_cast<std::int32_t>(weights.low)));
    high_even = hn::ReorderWidenMulAccumulate(integers, pixel_pairs, high, high_even, high_odd);
    low_even = hn::ReorderWidenMulAccumulate(integers, pixel_pairs, low, low_even, low_odd);
  }

  /// Rounded, and clipped to 0..255.
  HWY_INLINE hn::Vec<Quarter> to_pixels() const {
    const auto high = hn::RearrangeToOddPlusEven(high_even, high_odd);
    const auto low = hn::RearrangeToOddPlusEven(low_even, low_odd);
    const auto sum = hn::Add(hn::Add(hn::ShiftLeft<kLowWeightBits>(high), low),
                             hn::Set(Integers(), 1 << (kWeightBits - 1)));
    return hn::DemoteTo(Quarter(), hn::ShiftRight<kWeightBits>(sum));
  }
};

/// One row to another width. `row` may be read 16 bytes past its end, `result` written one byte past its end.
void resize_row(const std::uint8_t* HWY_RESTRICT row, const AxisWeights& axis,
                std::uint8_t* HWY_RESTRICT result) {
  constexpr std::uint8_t none = 0x80;  // a zero byte
  alignas(16) static constexpr std::uint8_t first_pair[16] = {0, none, 3, none, 1,    none, 4,    none,
                                                              2, none, 5, none, none, none, none, none};
  alignas(16) static constexpr std::uint8_t second_pair[16] = {6, none, 9,  none, 7,    none, 10,   none,
                                                               8, none, 11, none, none, none, none, none};
  const Bytes bytes;
  const Words words;
  const auto select_first = hn::Load(bytes, first_pair);
  const auto select_second = hn::Load(bytes, second_pair);
  const int width = static_cast<int>(axis.windows.size());
  for (int x = 0; x < width; ++x) {
    const Window window = axis.windows[static_cast<std::size_t>(x)];
    const WeightPair* pair = axis.pairs_of(x);
    const std::uint8_t* pixels = row + std::size_t{3} * static_cast<std::size_t>(window.first);
    Sums sums;
    int left = window.count;
    for (; left > 2; left -= 4, pixels += 12, pair += 2) {
      const auto four = hn::LoadU(bytes, pixels);
      sums.add(hn::BitCast(words, hn::TableLookupBytesOr0(four, select_first)), pair[0]);
      sums.add(hn::BitCast(words, hn::TableLookupBytesOr0(four, select_second)), pair[1]);
    }
    if (left > 0) {
      sums.add(hn::BitCast(words, hn::TableLookupBytesOr0(hn::LoadU(bytes, pixels), select_first)), pair[0]);
    }
    hn::StoreU(sums.to_pixels(), Quarter(), result + 3 * x);
  }
}

/// A weighted sum of rows, for 8 bytes of a row. `rows` are the window's first bytes, `stride` bytes apart.
HWY_INLINE hn::Vec<Half> blend(const std::uint8_t* HWY_RESTRICT rows, std::size_t stride, int count,
                               const WeightPair* pairs) {
  const Half half;
  const Words words;
  Sums lower;
  Sums upper;
  for (int tap = 0; tap < count; tap += 2, rows += 2 * stride) {
    const auto first = hn::PromoteTo(words, hn::LoadU(half, rows));
    const auto second =
        tap + 1 < count ? hn::PromoteTo(words, hn::LoadU(half, rows + stride)) : hn::Zero(words);
    lower.add(hn::InterleaveLower(words, first, second), pairs[tap / 2]);
    upper.add(hn::InterleaveUpper(words, first, second), pairs[tap / 2]);
  }
  return hn::Combine(half, upper.to_pixels(), lower.to_pixels());
}

/// A weighted sum of rows, as far as whole vectors go: returns the number of bytes done.
std::size_t blend_whole_vectors(const std::uint8_t* rows, std::size_t stride, int count,
                                const WeightPair* pairs, std::uint8_t* result) {
  std::size_t x = 0;
  for (; x + 8 <= stride; x += 8) hn::StoreU(blend(rows + x, stride, count, pairs), Half(), result + x);
  return x;
}

#endif  // HWY_TARGET == HWY_SCALAR

/// All rows to another width.
void resize_columns(const Image& image, const AxisWeights& axis, Image& result) {
  constexpr std::size_t slack = 16;
  const std::size_t row_size = static_cast<std::size_t>(image.width) * 3;
  const std::size_t result_row_size = static_cast<std::size_t>(result.width) * 3;
  std::vector<std::uint8_t> row(row_size + slack);
  std::vector<std::uint8_t> result_row(result_row_size + slack);
  for (int y = 0; y < image.height; ++y) {
    std::copy_n(image.pixels.data() + y * row_size, row_size, row.data());
    resize_row(row.data(), axis, result_row.data());
    std::copy_n(result_row.data(), result_row_size, result.pixels.data() + y * result_row_size);
  }
}

/// All columns to another height.
void resize_rows(const Image& image, const AxisWeights& axis, Image& result) {
  const std::size_t stride = static_cast<std::size_t>(image.width) * 3;
  for (int y = 0; y < result.height; ++y) {
    const Window window = axis.windows[static_cast<std::size_t>(y)];
    const std::uint8_t* rows = image.pixels.data() + static_cast<std::size_t>(window.first) * stride;
    std::uint8_t* result_row = result.pixels.data() + static_cast<std::size_t>(y) * stride;
    const WeightPair* pairs = axis.pairs_of(y);
    const std::size_t done = blend_whole_vectors(rows, stride, window.count, pairs, result_row);
    for (std::size_t x = done; x < stride; ++x) result_row[x] = weigh(rows + x, stride, window.count, pairs);
  }
}

}  // namespace calib8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace calib8 {

HWY_EXPORT(resize_columns);
HWY_EXPORT(resize_rows);

namespace {

Image to_width(const Image& image, int width, Interpolation interpolation) {
  if (width == image.width) return image;
  Image result{width, image.height, {}};
  result.pixels.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(image.height) * 3);
  HWY_DYNAMIC_DISPATCH(resize_columns)(image, compute_weights(image.width, width, interpolation), result);
  return result;
}

Image to_height(const Image& image, int height, Interpolation interpolation) {
  if (height == image.height) return image;
  Image result{image.width, height, {}};
  result.pixels.resize(static_cast<std::size_t>(image.width) * static_cast<std::size_t>(height) * 3);
  HWY_DYNAMIC_DISPATCH(resize_rows)(image, compute_weights(image.height, height, interpolation), result);
  return result;
}

/// Which pass comes first shows in the last bit, as each rounds. Pillow 13's rule; until Pillow 12 the width
/// always came first.
bool height_first(const Image& image, int height, int width) {
  const std::int64_t rows_less = std::int64_t{image.height} - height;
  const std::int64_t columns_less = std::int64_t{image.width} - width;
  return rows_less > 0 && rows_less > 2 * columns_less;
}

}  // namespace

Image resize(const Image& image, int height, int width, Interpolation interpolation) {
  if (height_first(image, height, width)) {
    return to_width(to_height(image, height, interpolation), width, interpolation);
  }
  return to_height(to_width(image, width, interpolation), height, interpolation);
}

}  // namespace calib8
#endif  // HWY_ONCE
