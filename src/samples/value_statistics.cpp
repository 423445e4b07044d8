#include "samples/value_statistics.h"

#include <algorithm>
#include <cmath>

namespace calib8 {
namespace {

constexpr std::int64_t most_channels = 4;

}  // namespace

void ValueCounter::add(std::span<const float> values, std::size_t first, std::size_t stride) {
  if (first >= values.size()) return;
  ValueCounter part;
  part.least_ = part.most_ = double{values[first]};
  double sum = 0;
  for (std::size_t i = first; i < values.size(); i += stride) {
    const double value = double{values[i]};
    ++part.count_;
    sum += value;
    part.least_ = std::min(part.least_, value);
    part.most_ = std::max(part.most_, value);
  }
  part.mean_ = sum / static_cast<double>(part.count_);
  for (std::size_t i = first; i < values.size(); i += stride) {
    const double difference = double{values[i]} - part.mean_;
    part.squares_ += difference * difference;
  }
  merge(part);
}

void ValueCounter::merge(const ValueCounter& other) {
  if (other.count_ == 0) return;
  if (count_ == 0) {
    *this = other;
    return;
  }
  const auto own = static_cast<double>(count_), added = static_cast<double>(other.count_);
  const double difference = other.mean_ - mean_;
  least_ = std::min(least_, other.least_);
  most_ = std::max(most_, other.most_);
  mean_ += difference * added / (own + added);
  squares_ += other.squares_ + difference * difference * own * added / (own + added);
  count_ += other.count_;
}

double ValueCounter::deviation() const {
  return count_ == 0 ? 0 : std::sqrt(squares_ / static_cast<double>(count_));
}

void InputCounter::add(std::span<const float> values, const Shape& shape) {
  values_.add(values);
  const bool by_channel = shape.size() == 4 && shape[3] <= most_channels;
  channels_.resize(by_channel ? static_cast<std::size_t>(shape[3]) : 0);
  for (std::size_t i = 0; i < channels_.size(); ++i) channels_[i].add(values, i, channels_.size());
}

void InputCounter::merge(const InputCounter& other) {
  values_.merge(other.values_);
  channels_.resize(other.channels_.size());
  for (std::size_t i = 0; i < channels_.size(); ++i) channels_[i].merge(other.channels_[i]);
}

}  // namespace calib8
