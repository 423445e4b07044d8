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

std::size_t blend_whole_vectors(const std::uint8_t*, std::size_t, std::size_t, int, const WeightPair*,
                                std::uint8_t*) {
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

/// A weighted sum of `size` bytes of rows, as far as whole vectors go: returns the number of bytes done.
std::size_t blend_whole_vectors(const std::uint8_t* rows, std::size_t stride, std::size_t size, int count,
                                const WeightPair* pairs, std::uint8_t* result) {
  constexpr std::size_t step = 8 * kBlocks;
  std::size_t x = 0;
  for (; x + step <= size; x += step) {
    hn::StoreU(blend(rows + x, stride, count, pairs), HalfBytes(), result + x);
  }
  return x;
}

#endif

/// `result.height` rows from `first_row` on to another width.
void resize_columns(const Image& image, int first_row, const AxisWeights& axis, Image& result) {
  const std::size_t row_size = static_cast<std::size_t>(image.width) * 3;
  const std::size_t result_row_size = static_cast<std::size_t>(result.width) * 3;
  // Room for the longest window at the last pixel, and for a whole vector at its end.
  const std::size_t span = row_size + static_cast<std::size_t>(axis.stride) * 6 + 16;
  const std::size_t result_span = result_row_size + 16;
  std::vector<std::uint8_t> rows(kRowsAtOnce * span);
  std::vector<std::uint8_t> results(kRowsAtOnce * result_span);
  const std::size_t height = static_cast<std::size_t>(result.height);
  const std::uint8_t* source = image.pixels.data() + static_cast<std::size_t>(first_row) * row_size;
  for (std::size_t y = 0; y < height; y += kRowsAtOnce) {
    const std::size_t count = std::min<std::size_t>(height - y, kRowsAtOnce);
    for (std::size_t i = 0; i < count; ++i) {
      std::copy_n(source + (y + i) * row_size, row_size, rows.data() + i * span);
    }
    resize_few_rows({rows.data(), span}, axis, {results.data(), result_span});
    for (std::size_t i = 0; i < count; ++i) {
      std::copy_n(results.data() + i * result_span, result_row_size,
                  result.pixels.data() + (y + i) * result_row_size);
    }
  }
}

/// `result.width` columns from `first_column` on to another height.
void resize_rows(const Image& image, int first_column, const AxisWeights& axis, Image& result) {
  const std::size_t stride = static_cast<std::size_t>(image.width) * 3;
  const std::size_t size = static_cast<std::size_t>(result.width) * 3;
  for (int y = 0; y < result.height; ++y) {
    const Window window = axis.windows[static_cast<std::size_t>(y)];
    const std::uint8_t* rows = image.pixels.data() + static_cast<std::size_t>(window.first) * stride +
                               static_cast<std::size_t>(first_column) * 3;
    std::uint8_t* result_row = result.pixels.data() + static_cast<std::size_t>(y) * size;
    const WeightPair* pairs = axis.pairs_of(y);
    const std::size_t done = blend_whole_vectors(rows, stride, size, window.count, pairs, result_row);
    for (std::size_t x = done; x < size; ++x) result_row[x] = weigh(rows + x, stride, window.count, pairs);
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

/// One axis of a resize: how many pixels become how many, and which of them are wanted.
struct Axis {
  int input_size, output_size;
  Outputs wanted;
  Interpolation interpolation;

  /// The input pixels that the wanted ones are made of.
  Window needed() const { return window_of(input_size, output_size, wanted, interpolation); }
  /// The weights, for a picture that begins at input pixel `begin`.
  AxisWeights weights(int begin) const {
    AxisWeights axis = compute_weights(input_size, output_size, wanted, interpolation);
    for (Window& window : axis.windows) window.first -= begin;
    return axis;
  }
};

/// The wanted columns of some rows. The picture's first column is `begin` of the axis.
Image to_width(const Image& image, const Window& rows, const Axis& axis, int begin) {
  Image result = blank(axis.wanted.count, rows.count);
  HWY_DYNAMIC_DISPATCH(resize_columns)(image, rows.first, axis.weights(begin), result);
  return result;
}

/// The wanted rows of some columns. The picture's first row is `begin` of the axis.
Image to_height(const Image& image, const Window& columns, const Axis& axis, int begin) {
  Image result = blank(columns.count, axis.wanted.count);
  HWY_DYNAMIC_DISPATCH(resize_rows)(image, columns.first, axis.weights(begin), result);
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
std::vector<int> nearest_positions(int input_size, int output_size, const Outputs& outputs) {
  const double step = static_cast<double>(input_size) / output_size;
  std::vector<int> positions;
  double position = step * 0.5;
  for (int i = 0; i < outputs.begin + outputs.count; ++i, position += step) {
    if (i < outputs.begin) continue;
    positions.push_back(position < input_size ? static_cast<int>(position) : -1);
  }
  return positions;
}

/// Pixels without a source stay black.
Image copy_nearest(const Image& image, int height, int width, const Region& region) {
  Image result = blank(region.width, region.height);
  const std::vector<int> columns = nearest_positions(image.width, width, {region.left, region.width});
  const std::vector<int> rows = nearest_positions(image.height, height, {region.top, region.height});
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
  return resize_part(image, height, width, {0, 0, height, width}, interpolation);
}

Image part_of(const Image& image, const Region& region) {
  Image part = blank(region.width, region.height);
  const std::size_t size = static_cast<std::size_t>(region.width) * 3;
  for (int y = 0; y < region.height; ++y) {
    const std::size_t first =
        static_cast<std::size_t>(region.top + y) * static_cast<std::size_t>(image.width) +
        static_cast<std::size_t>(region.left);
    std::copy_n(image.pixels.data() + 3 * first, size,
                part.pixels.data() + static_cast<std::size_t>(y) * size);
  }
  return part;
}

Image resize_part(const Image& image, int height, int width, const Region& region,
                  Interpolation interpolation) {
  if (width == image.width && height == image.height) return part_of(image, region);
  if (interpolation == Interpolation::nearest) return copy_nearest(image, height, width, region);
  const Axis rows{image.height, height, {region.top, region.height}, interpolation};
  const Axis columns{image.width, width, {region.left, region.width}, interpolation};
  if (width == image.width) return to_height(image, {region.left, region.width}, rows, 0);
  if (height == image.height) return to_width(image, {region.top, region.height}, columns, 0);
  // Along the first axis, only what the second one needs.
  if (height_first(image, height, width)) {
    const Window needed = columns.needed();
    return to_width(to_height(image, needed, rows, 0), {0, region.height}, columns, needed.first);
  }
  const Window needed = rows.needed();
  return to_height(to_width(image, needed, columns, 0), {0, region.width}, rows, needed.first);
}

}  // namespace calib8
#endif  // HWY_ONCE
