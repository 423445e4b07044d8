#include "calibrate/histogram.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace calib8 {
namespace {

constexpr int finest_exponent = -149;  // every float is a multiple of 2^-149
/// Bins are numbered within [-2^30, 2^30): more would be finer than the largest of the values is exact.
constexpr int bin_bits = 30;
constexpr std::int64_t end_of_bins = std::int64_t{1} << bin_bits;

/// Only for exponents from exponent_to_start_from() on: the type holds no more.
std::int64_t bin_of(double value, int exponent) {
  return static_cast<std::int64_t>(std::floor(std::ldexp(value, -exponent)));
}

/// Whether a grid on which the values lie in these bins may be used. Where it may, all coarser ones may too.
bool fits(std::int64_t first, std::int64_t last) {
  return first >= -end_of_bins && last < end_of_bins && last - first < Histogram::most_bins;
}

/// Division by 2^shift, rounded down.
std::int64_t coarser(std::int64_t bin, int shift) {
  return shift >= 63 ? (bin < 0 ? -1 : 0) : bin >> shift;
}

/// An exponent of which the bins of both values are below 2^(bin_bits + 1), and no finer than a grid that
/// fits.
int exponent_to_start_from(double low, double high) {
  const double largest = std::max(std::abs(low), std::abs(high));
  if (largest == 0) return finest_exponent;
  return std::max(finest_exponent, std::ilogb(largest) - bin_bits);
}

/// The finest grid on which a range fits.
int exponent_for(double low, double high) {
  int exponent = exponent_to_start_from(low, high);
  std::int64_t first = bin_of(low, exponent);
  std::int64_t last = bin_of(high, exponent);
  for (; !fits(first, last); ++exponent) {
    first = coarser(first, 1);
    last = coarser(last, 1);
  }
  return exponent;
}

}  // namespace

double Histogram::bin_width() const {
  return std::ldexp(1.0, exponent_);
}

std::uint64_t Histogram::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

Histogram Histogram::empty_over(Range range) {
  Histogram histogram;
  histogram.exponent_ = exponent_for(range.low, range.high);
  histogram.first_bin_ = bin_of(range.low, histogram.exponent_);
  histogram.counts_.assign(
      static_cast<std::size_t>(bin_of(range.high, histogram.exponent_) - histogram.first_bin_ + 1), 0);
  return histogram;
}

std::size_t Histogram::add_known(std::span<const float> values) {
  // Block by block, as compilers turn loops without a way out into vector instructions.
  constexpr std::size_t block = 64;
  constexpr std::int32_t none = INT32_MIN;  // bins have bin_bits bits
  const double bins_per_unit = std::ldexp(1.0, -exponent_);
  const auto first = static_cast<std::int32_t>(first_bin_);
  const double low = first, end = low + static_cast<double>(counts_.size());
  for (std::size_t done = 0; done < values.size();) {
    const std::span<const float> part = values.subspan(done, std::min(block, values.size() - done));
    std::int32_t bins[block];
    for (std::size_t i = 0; i < part.size(); ++i) {
      const double position = static_cast<double>(part[i]) * bins_per_unit;
      const bool is_inside = position >= low && position < end;  // NaN is not
      const double placed = is_inside ? position : low;
      const auto bin = static_cast<std::int32_t>(placed);
      const bool is_rounded_up = static_cast<double>(bin) > placed;  // towards zero, from below it
      bins[i] = is_inside ? bin - static_cast<std::int32_t>(is_rounded_up) : none;
    }
    for (std::size_t i = 0; i < part.size(); ++i, ++done) {
      if (bins[i] == none) return done;
      ++counts_[static_cast<std::size_t>(bins[i] - first)];
    }
  }
  return values.size();
}

bool Histogram::add(std::span<const float> values) {
  if (empty()) {
    Range range{INFINITY, -INFINITY};
    for (const float value : values) {
      if (std::isfinite(value)) range = hull(range, {value, value});
    }
    if (range.low > range.high) return values.empty();
    *this = empty_over(range);
  }
  bool all_finite = true;
  // Later values seldom lie outside of what was seen before.
  while (true) {
    values = values.subspan(add_known(values));
    if (values.empty()) return all_finite;
    const float outside = values.front();
    if (std::isfinite(outside)) {
      merge(empty_over({outside, outside}));
    } else {
      all_finite = false;
      values = values.subspan(1);
    }
  }
}

void Histogram::merge(const Histogram& other) {
  if (other.empty()) return;
  if (empty()) {
    *this = other;
    return;
  }
  // The bins at both ends of a histogram hold values: a grid that fits the bins is the finest that fits the
  // values.
  const std::int64_t other_last = other.first_bin_ + static_cast<std::int64_t>(other.counts_.size()) - 1;
  const std::int64_t last = first_bin_ + static_cast<std::int64_t>(counts_.size()) - 1;
  int exponent = std::max(exponent_, other.exponent_);
  const auto first_at = [&](int e) {
    return std::min(coarser(first_bin_, e - exponent_), coarser(other.first_bin_, e - other.exponent_));
  };
  const auto last_at = [&](int e) {
    return std::max(coarser(last, e - exponent_), coarser(other_last, e - other.exponent_));
  };
  while (!fits(first_at(exponent), last_at(exponent))) ++exponent;

  const std::int64_t first = first_at(exponent);
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(last_at(exponent) - first + 1), 0);
  const auto pour = [&](const Histogram& source) {
    for (std::size_t i = 0; i < source.counts_.size(); ++i) {
      const std::int64_t bin =
          coarser(source.first_bin_ + static_cast<std::int64_t>(i), exponent - source.exponent_);
      counts[static_cast<std::size_t>(bin - first)] += source.counts_[i];
    }
  };
  pour(*this);
  pour(other);
  exponent_ = exponent;
  first_bin_ = first;
  counts_ = std::move(counts);
}

}  // namespace calib8
