#pragma once

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace calib8 {

/// The numbers below a count, in sets that can be united: near constant time per call (Tarjan 1975).
class DisjointSets {
 public:
  explicit DisjointSets(std::size_t count) : parent_(count), size_(count, 1) {
    std::iota(parent_.begin(), parent_.end(), 0u);
  }

  /// One member that stands for all of its set.
  std::uint32_t find(std::uint32_t member) {
    while (parent_[member] != member) {
      parent_[member] = parent_[parent_[member]];
      member = parent_[member];
    }
    return member;
  }

  /// Returns the one that stands for both from now on.
  std::uint32_t unite(std::uint32_t a, std::uint32_t b) {
    a = find(a);
    b = find(b);
    if (a == b) return a;
    if (size_[a] < size_[b]) std::swap(a, b);
    parent_[b] = a;
    size_[a] += size_[b];
    return a;
  }

 private:
  std::vector<std::uint32_t> parent_, size_;
};

}  // namespace calib8
