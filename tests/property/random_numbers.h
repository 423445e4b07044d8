#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace calib8::property {

/// Numbers from a seed, the same on every machine (splitmix64, Steele et al. 2014).
class RandomNumbers {
 public:
  explicit RandomNumbers(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// In [0, count).
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(next() % count); }
  /// In [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::size_t>(high - low + 1)));
  }
  /// In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  bool chance(double probability) { return uniform() < probability; }
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
  }
  double sign() { return chance(0.5) ? 1 : -1; }
  template <class T>
  const T& pick(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }
  template <class T>
  T pick(std::initializer_list<T> choices) {
    return *(choices.begin() + below(choices.size()));
  }
  /// Mostly about 1; now and then anything from a millionth to a thousand million.
  double magnitude() {
    if (chance(0.75)) return std::exp(uniform(-1.5, 1.5));
    return std::pow(10.0, uniform(-6, 9));
  }

 private:
  std::uint64_t state_;
};

/// `count` numbers as weights, biases or inputs have them: spread, all equal, all zero, one that dwarfs the
/// others, never negative, whole.
inline std::vector<float> random_values(RandomNumbers& random, std::size_t count, double magnitude) {
  std::vector<double> values(count);
  const std::size_t kind = random.below(12);
  const double constant = random.normal() * magnitude;
  for (double& value : values) {
    value = random.normal() * magnitude;
    if (kind == 0) value = constant;
    if (kind == 1) value = 0;
    if (kind == 2) value = std::abs(value);
    if (kind == 3) value = std::round(value / magnitude * 2) * magnitude;
    if (kind == 4 && random.chance(0.7)) value = 0;
    if (kind == 5) value = random.uniform(-1, 1) * magnitude;
  }
  if (kind == 6 && count > 0) values[random.below(count)] *= std::pow(10.0, random.uniform(1, 4));
  std::vector<float> result;
  for (const double value : values) result.push_back(static_cast<float>(value));
  return result;
}

}  // namespace calib8::property
