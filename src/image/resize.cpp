#include "image/resize.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "image/resize_weights.h"

// This file is compiled once for each instruction set; the one that the machine has is chosen when it runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "image/resize.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace calib8::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Rows of a picture that are made narrower or wider together, `span` bytes apart.
struct Rows {
  const std::uint8_t* first;
  std::size_t span;
};
struct ResultRows {
  std::uint8_t* first;
  std::size_t span;
};

#if HWY_TARGET == HWY_SCALAR || HWY_HAVE_SCALABLE

constexpr int kRowsAtOnce = 1;

void resize_few_rows(const Rows& rows, const AxisWeights& axis, const ResultRows& results) {
  for (std::size_t x = 0; x < axis.windows.size(); ++x) {
    const Window window = axis.windows[x];
    const std::uint8_t* pixels = rows.first + std::size_t{3} * static_cast<std::size_t>(window.first);
    for (std::size_t channel = 0; channel < 3; ++channel) {
      results.first[3 * x + channel] =
          weigh(pixels + channel, 3, window.count, axis.pairs_of(static_cast<int>(x)));
    }
  }
}

std::size_t blend_whole_vectors(const std::uint8_t*, std::size_t, int, const WeightPair*, std::uint8_t*) {
  return 0;
}

#else

/// Vectors of 128, 256 or 512 bits, as blocks of 128. Interleaving works within blocks, as do shuffles and
/// narrowing (ReorderDemote2To) on the machines that have such vectors, so that their orders cancel.
constexpr int kBlocks = HWY_MAX_BYTES >= 64 ? 4 : HWY_MAX_BYTES >= 32 ? 2 : 1;
using Bytes = hn::FixedTag<std::uint8_t, 16 * kBlocks>;
using HalfBytes = hn::FixedTag<std::uint8_t, 8 * kBlocks>;
using QuarterBytes = hn::FixedTag<std::uint8_t, 4 * kBlocks>;
using Words = hn::FixedTag<std::int16_t, 8 * kBlocks>;
using Integers = hn::FixedTag<std::int32_t, 4 * kBlocks>;

/// One row in each block.
constexpr int kRowsAtOnce = kBlocks;

/// Weighted sums, those of each weight's high and low half apart.
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

  /// The sums, rounded to whole pixel values, not clipped yet.
  HWY_INLINE hn::Vec<Integers> rounded() const {
    const auto high = hn::RearrangeToOddPlusEven(high_even, high_odd);
    const auto low = hn::RearrangeToOddPlusEven(low_even, low_odd);
    const auto sum = hn::Add(hn::Add(hn::ShiftLeft<kLowWeightBits>(high), low),
                             hn::Set(Integers(), 1 << (kWeightBits - 1)));
    return hn::ShiftRight<kWeightBits>(sum);
  }
};

/// 16 bytes of each row, a block per row.
HWY_INLINE hn::Vec<Bytes> load_blocks(const std::uint8_t* bytes, std::size_t span) {
  const hn::FixedTag<std::uint8_t, 16> one;
#if HWY_MAX_BYTES >= 32
  const hn::FixedTag<std::uint8_t, 32> two;
  const auto lower = hn::Combine(two, hn::LoadU(one, bytes + span), hn::LoadU(one, bytes));
#if HWY_MAX_BYTES >= 64
  const auto upper = hn::Combine(two, hn::LoadU(one, bytes + 3 * span), hn::LoadU(one, bytes + 2 * span));
  return hn::Combine(Bytes(), upper, lower);
#else
  return lower;
#endif
#else
  static_cast<void>(span);
  return hn::LoadU(one, bytes);
#endif
}

/// kRowsAtOnce rows to another width: they share their weights. Windows are read as if all were as long as
/// the longest, and a result is written one byte past its end.
void resize_few_rows(const Rows& rows, const AxisWeights& axis, const ResultRows& results) {
  constexpr std::uint8_t none = 0x80;  // a zero byte
  alignas(16) static constexpr std::uint8_t pixel_pair[16] = {0, none, 3, none, 1,    none, 4,    none,
                                                              2, none, 5, none, none, none, none, none};
  const auto select = hn::LoadDup128(Bytes(), pixel_pair);
  alignas(16) std::uint8_t pixels_of_rows[4 * kBlocks];
  for (std::size_t x = 0; x < axis.windows.size(); ++x) {
    const WeightPair* pairs = axis.pairs_of(static_cast<int>(x));
    const std::uint8_t* pixels =
        rows.first + std::size_t{3} * static_cast<std::size_t>(axis.windows[x].first);
    Sums sums;
    for (int pair = 0; pair < axis.stride; ++pair, pixels += 6) {
      const auto pixel_pairs = hn::TableLookupBytesOr0(load_blocks(pixels, rows.span), select);
      sums.add(hn::BitCast(Words(), pixel_pairs), pairs[pair]);
    }
    hn::Store(hn::DemoteTo(QuarterBytes(), sums.rounded()), QuarterBytes(), pixels_of_rows);
    for (std::size_t row = 0; row < kRowsAtOnce; ++row) {
      std::memcpy(results.first + row * results.span + 3 * x, pixels_of_rows + 4 * row, 4);
    }
  }
}

/// A weighted sum of rows, for one vector's bytes of a row. `rows` are the window's first bytes, `stride`
/// bytes apart.
HWY_INLINE hn::Vec<HalfBytes> blend(const std::uint8_t* HWY_RESTRICT rows, std::size_t stride, int count,
                                    const WeightPair* pairs) {
  const HalfBytes bytes;
  const Words words;
  Sums lower;
  Sums upper;
  for (int tap = 0; tap < count; tap += 2, rows += 2 * stride) {
    const auto first = hn::PromoteTo(words, hn::LoadU(bytes, rows));
    // Past the last row, the weight is zero: any row will do.
    const auto second = hn::PromoteTo(words, hn::LoadU(bytes, tap + 1 < count ? rows + stride : rows));
    lower.add(hn::InterleaveLower(words, first, second), pairs[tap / 2]);
    upper.add(hn::InterleaveUpper(words, first, second), pairs[tap / 2]);
  }
  return hn::DemoteTo(bytes, hn::ReorderDemote2To(words, lower.rounded(), upper.rounded()));
}

/// A weighted sum of rows, as far as whole vectors go: returns the number of bytes done.
std::size_t blend_whole_vectors(const std::uint8_t* rows, std::size_t stride, int count,
                                const WeightPair* pairs, std::uint8_t* result) {
  constexpr std::size_t step = 8 * kBlocks;
  std::size_t x = 0;
  for (; x + step <= stride; x += step) {
    hn::StoreU(blend(rows + x, stride, count, pairs), HalfBytes(), result + x);
  }
  return x;
}

#endif

/// All rows to another width.
void resize_columns(const Image& image, const AxisWeights& axis, Image& result) {
  const std::size_t row_size = static_cast<std::size_t>(image.width) * 3;
  const std::size_t result_row_size = static_cast<std::size_t>(result.width) * 3;
  // Room for the longest window at the last pixel, and for a whole vector at its end.
  const std::size_t span = row_size + static_cast<std::size_t>(axis.stride) * 6 + 16;
  const std::size_t result_span = result_row_size + 16;
  std::vector<std::uint8_t> rows(kRowsAtOnce * span);
  std::vector<std::uint8_t> results(kRowsAtOnce * result_span);
  const std::size_t height = static_cast<std::size_t>(image.height);
  for (std::size_t y = 0; y < height; y += kRowsAtOnce) {
    const std::size_t count = std::min<std::size_t>(height - y, kRowsAtOnce);
    for (std::size_t i = 0; i < count; ++i) {
      std::copy_n(image.pixels.data() + (y + i) * row_size, row_size, rows.data() + i * span);
    }
    resize_few_rows({rows.data(), span}, axis, {results.data(), result_span});
    for (std::size_t i = 0; i < count; ++i) {
      std::copy_n(results.data() + i * result_span, result_row_size,
                  result.pixels.data() + (y + i) * result_row_size);
    }
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

Image blank(int width, int height) {
  Image image{width, height, {}};
  image.pixels.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  return image;
}

Image to_width(const Image& image, int width, Interpolation interpolation) {
  Image result = blank(width, image.height);
  HWY_DYNAMIC_DISPATCH(resize_columns)(image, compute_weights(image.width, width, interpolation), result);
  return result;
}

Image to_height(const Image& image, int height, Interpolation interpolation) {
  Image result = blank(image.width, height);
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

/// For each new position the old one whose pixel it takes. The steps are summed up, as Pillow does: over many
/// of them the rounding shows. -1 where rounding leads beyond the last pixel.
std::vector<int> nearest_positions(int input_size, int output_size) {
  const double step = static_cast<double>(input_size) / output_size;
  std::vector<int> positions;
  double position = step * 0.5;
  for (int i = 0; i < output_size; ++i, position += step) {
    positions.push_back(position < input_size ? static_cast<int>(position) : -1);
  }
  return positions;
}

/// Pixels without a source stay black.
Image copy_nearest(const Image& image, int height, int width) {
  Image result = blank(width, height);
  const std::vector<int> columns = nearest_positions(image.width, width);
  const std::vector<int> rows = nearest_positions(image.height, height);
  std::uint8_t* pixel = result.pixels.data();
  for (const int row : rows) {
    for (const int column : columns) {
      if (row >= 0 && column >= 0) {
        const std::size_t index = static_cast<std::size_t>(row) * static_cast<std::size_t>(image.width) +
                                  static_cast<std::size_t>(column);
        std::copy_n(image.pixels.data() + 3 * index, 3, pixel);
      }
      pixel += 3;
    }
  }
  return result;
}

}  // namespace

Image resize(const Image& image, int height, int width, Interpolation interpolation) {
  if (width == image.width && height == image.height) return image;
  if (interpolation == Interpolation::nearest) return copy_nearest(image, height, width);
  if (width == image.width) return to_height(image, height, interpolation);
  if (height == image.height) return to_width(image, width, interpolation);
  if (height_first(image, height, width)) {
    return to_width(to_height(image, height, interpolation), width, interpolation);
  }
  return to_height(to_width(image, width, interpolation), height, interpolation);
}

}  // namespace calib8
#endif  // HWY_ONCE
