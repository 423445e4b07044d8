#pragma once

#include <utility>
#include <vector>

#include "samples/sample.h"

namespace calib8 {

/// Samples in memory, for tests.
class ArraySource : public SampleSource {
 public:
  explicit ArraySource(std::vector<Sample> samples) : samples_(std::move(samples)) {}

  std::size_t size() const override { return samples_.size(); }
  Sample load(std::size_t index) const override { return samples_.at(index); }

 private:
  std::vector<Sample> samples_;
};

}  // namespace calib8
