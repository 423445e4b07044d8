#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/range.h"

namespace calib8 {

/// How often values fell into each bin of a fixed grid: bin k of exponent e is [k * 2^e, (k + 1) * 2^e).
///
/// The grid is the finest on which the values seen so far span at most `most_bins` bins, none of them further
/// from zero than 2^30 bins: any finite float has a place, and none is finer than float32 is. A coarser
/// grid's counts are sums of a finer one's, and counts are integers: so a histogram depends on the values
/// alone, not on their order nor on how they were split over workers before merge().
class Histogram {
 public:
  static constexpr std::int64_t most_bins = 2048;

  /// Counts the values. Those that are not finite are left out, which the answer false says.
  bool add(std::span<const float> values);
  void merge(const Histogram& other);

  bool empty() const { return counts_.empty(); }
  std::uint64_t total() const;
  /// Width of a bin, a power of two.
  double bin_width() const;
  /// The lower edge of the first bin.
  double first_edge() const { return static_cast<double>(first_bin_) * bin_width(); }
  std::span<const std::uint64_t> counts() const { return counts_; }

  friend bool operator==(const Histogram&, const Histogram&) = default;

 private:
  /// All counts zero, on the grid for values of which both ends occur.
  static Histogram empty_over(Range range);
  /// Counts values up to one that has no bin yet; how many there were.
  std::size_t add_known(std::span<const float> values);

  int exponent_ = 0;
  std::int64_t first_bin_ = 0;
  std::vector<std::uint64_t>
      counts_;  ///< Bins first_bin_, first_bin_ + 1, ...; the first and the last hold values.
};

}  // namespace calib8
