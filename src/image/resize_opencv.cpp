#include "image/resize_opencv.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include "calib8/error.h"

namespace calib8 {
namespace {

constexpr int kFractionBits = 11;

/// Four lobes on each side.
constexpr int kMostTaps = 8;

double triangle(double distance) {
  return std::max(0.0, 1.0 - std::abs(distance));
}

/// Keys's cubic, R. G. Keys, IEEE TASSP 29 (1981), with a = -0.75.
double cubic(double distance) {
  constexpr double a = -0.75;
  const double d = std::abs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return 0;
}

double sinc(double distance) {
  const double angle = distance * std::numbers::pi;
  return std::abs(angle) < 1e-9 ? 1.0 : std::sin(angle) / angle;
}

double lanczos4(double distance) {
  return std::abs(distance) < 4 ? sinc(distance) * sinc(distance / 4) : 0.0;
}

struct Kernel {
  int taps;
  double (*weight)(double distance);
};

Kernel kernel_of(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::nearest:
      break;  // weighs nothing
    case Interpolation::bilinear:
      return {2, triangle};
    case Interpolation::bicubic:
      return {4, cubic};
    case Interpolation::lanczos:
      return {8, lanczos4};
  }
  throw Error(ErrorCode::internal, "not an Interpolation with weights");
}

/// What an output position is made of: the input positions, clamped to the picture, and their weights.
struct Position {
  int sources[kMostTaps] = {};
  std::int32_t weights[kMostTaps] = {};
};

/// Of `count` output positions from `begin` on.
std::vector<Position> compute_positions(int input_size, int output_size, int begin, int count,
                                        const Kernel& kernel) {
  const double scale = static_cast<double>(input_size) / output_size;
  std::vector<Position> positions(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const auto center = static_cast<float>((begin + i + 0.5) * scale - 0.5);
    const int before = static_cast<int>(std::floor(center));
    const float fraction = center - static_cast<float>(before);
    const int first = before - kernel.taps / 2 + 1;
    double weights[kMostTaps];
    double sum = 0;
    for (int tap = 0; tap < kernel.taps; ++tap) {
      weights[tap] = kernel.weight(static_cast<double>(fraction) - (tap - kernel.taps / 2 + 1));
      sum += weights[tap];
    }
    Position& position = positions[static_cast<std::size_t>(i)];
    for (int tap = 0; tap < kernel.taps; ++tap) {
      position.sources[tap] = std::clamp(first + tap, 0, input_size - 1);
      position.weights[tap] =
          static_cast<std::int32_t>(std::lrint(weights[tap] / sum * (1 << kFractionBits)));
    }
  }
  return positions;
}

/// One row at the new width, times 2^11.
void widen(const std::uint8_t* row, const std::vector<Position>& columns, int taps, std::int32_t* result) {
  for (const Position& column : columns) {
    for (int channel = 0; channel < 3; ++channel) {
      std::int32_t sum = 0;
      for (int tap = 0; tap < taps; ++tap)
        sum += column.weights[tap] * row[3 * static_cast<std::ptrdiff_t>(column.sources[tap]) + channel];
      *result++ = sum;
    }
  }
}

/// The rows that the last output rows were made of, each at its new width. An output row needs at most eight,
/// and the next one mostly the same.
class RowCache {
 public:
  RowCache(const Image& image, const std::vector<Position>& columns, int taps)
      : image_(image), columns_(columns), taps_(taps), rows_(static_cast<std::size_t>(taps)) {
    for (Row& row : rows_) row.values.resize(columns.size() * 3);
  }

  /// Valid until a row that differs by a multiple of the number of taps is asked for.
  const std::int32_t* get(int y) {
    Row& row = rows_[static_cast<std::size_t>(y % taps_)];
    if (row.y != y) {
      const std::size_t offset = static_cast<std::size_t>(y) * static_cast<std::size_t>(image_.width) * 3;
      widen(image_.pixels.data() + offset, columns_, taps_, row.values.data());
      row.y = y;
    }
    return row.values.data();
  }

 private:
  struct Row {
    int y = -1;
    std::vector<std::int32_t> values;
  };
  const Image& image_;
  const std::vector<Position>& columns_;
  int taps_;
  std::vector<Row> rows_;
};

Image resize_weighted(const Image& image, int height, int width, const Region& region, const Kernel& kernel) {
  const std::vector<Position> columns =
      compute_positions(image.width, width, region.left, region.width, kernel);
  const std::vector<Position> rows =
      compute_positions(image.height, height, region.top, region.height, kernel);
  RowCache cache(image, columns, kernel.taps);
  Image result{region.width, region.height, {}};
  const std::size_t row_size = static_cast<std::size_t>(region.width) * 3;
  result.pixels.resize(static_cast<std::size_t>(region.height) * row_size);
  std::uint8_t* pixel = result.pixels.data();
  std::vector<std::int64_t> sums(row_size);
  for (const Position& row : rows) {
    std::ranges::fill(sums, std::int64_t{1} << (2 * kFractionBits - 1));
    for (int tap = 0; tap < kernel.taps; ++tap) {
      const std::int32_t* values = cache.get(row.sources[tap]);
      for (std::size_t x = 0; x < row_size; ++x) sums[x] += std::int64_t{row.weights[tap]} * values[x];
    }
    for (const std::int64_t sum : sums)
      *pixel++ = static_cast<std::uint8_t>(std::clamp<std::int64_t>(sum >> (2 * kFractionBits), 0, 255));
  }
  return result;
}

/// Of `count` output positions from `begin` on.
std::vector<int> nearest_positions(int input_size, int output_size, int begin, int count) {
  // Twice a reciprocal, as OpenCV does: it decides where a position falls on a pixel's edge.
  const double step = 1.0 / (static_cast<double>(output_size) / input_size);
  std::vector<int> positions;
  for (int i = begin; i < begin + count; ++i)
    positions.push_back(std::min(static_cast<int>(std::floor(i * step)), input_size - 1));
  return positions;
}

Image copy_nearest(const Image& image, int height, int width, const Region& region) {
  Image result{region.width, region.height, {}};
  result.pixels.resize(static_cast<std::size_t>(region.height) * static_cast<std::size_t>(region.width) * 3);
  const std::vector<int> columns = nearest_positions(image.width, width, region.left, region.width);
  std::uint8_t* pixel = result.pixels.data();
  for (const int row : nearest_positions(image.height, height, region.top, region.height)) {
    const std::uint8_t* pixels =
        image.pixels.data() + static_cast<std::size_t>(row) * static_cast<std::size_t>(image.width) * 3;
    for (const int column : columns)
      pixel = std::copy_n(pixels + 3 * static_cast<std::ptrdiff_t>(column), 3, pixel);
  }
  return result;
}

}  // namespace

Image resize_part_as_opencv(const Image& image, int height, int width, const Region& region,
                            Interpolation interpolation) {
  if (width == image.width && height == image.height) return part_of(image, region);
  if (interpolation == Interpolation::nearest) return copy_nearest(image, height, width, region);
  return resize_weighted(image, height, width, region, kernel_of(interpolation));
}

}  // namespace calib8
