#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/shape.h"

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

/// Of one input: all values, and each channel's where samples are images, that is [N, height, width,
/// channels] with at most 4 channels; of more channels, statistics by channel say little.
class InputCounter {
 public:
  /// One sample, or a batch of them. All have the same shape but for N.
  void add(std::span<const float> values, const Shape& shape);
  void merge(const InputCounter& other);

  const ValueCounter& values() const { return values_; }
  const std::vector<ValueCounter>& channels() const { return channels_; }

 private:
  ValueCounter values_;
  std::vector<ValueCounter> channels_;
};

}  // namespace calib8
