#pragma once

#include <cstddef>
#include <span>

namespace calib8 {

/// Least, most, mean and deviation of values that come in parts. Sums are of differences from the mean, part
/// by part, so that nothing is lost to a large mean; merging parts in the same order gives the same bits
/// (Chan, Golub, LeVeque 1979).
class ValueCounter {
 public:
  /// Adds every `stride`-th value from `first` on.
  void add(std::span<const float> values, std::size_t first = 0, std::size_t stride = 1);
  void merge(const ValueCounter& other);

  std::size_t count() const { return count_; }
  double least() const { return least_; }
  double most() const { return most_; }
  double mean() const { return mean_; }
  /// Of all values: the root of the mean square difference from the mean.
  double deviation() const;

 private:
  std::size_t count_ = 0;
  double least_ = 0, most_ = 0, mean_ = 0;
  double squares_ = 0;  ///< Sum of squared differences from the mean.
};

}  // namespace calib8
