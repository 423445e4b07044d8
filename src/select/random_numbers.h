#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace calib8 {

/// SplitMix64 of Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014), with
/// Stafford's mixing constants: any seed is a good one.
class RandomNumbers {
 public:
  explicit RandomNumbers(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }

  /// Evenly in [0, end): numbers of the incomplete last range are drawn again.
  std::uint64_t below(std::uint64_t end) {
    const std::uint64_t incomplete = (0 - end) % end;  // 2^64 mod end
    std::uint64_t number = next();
    while (number < incomplete) number = next();
    return number % end;
  }

 private:
  std::uint64_t state_;
};

template <class T>
void shuffle(std::vector<T>& values, RandomNumbers& random) {
  for (std::size_t left = values.size(); left > 1; --left)
    std::swap(values[left - 1], values[random.below(left)]);
}

}  // namespace calib8
