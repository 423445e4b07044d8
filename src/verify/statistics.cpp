#include "verify/statistics.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <vector>

namespace calib8 {
namespace {

/// The 97.5 % quantile of Student's distribution, by Cornish and Fisher's expansion around the normal one's;
/// below four degrees of freedom it is too small, and the exact ones stand in.
double student_quantile(std::size_t degrees) {
  constexpr std::array<double, 3> exact = {12.706, 4.303, 3.182};
  if (degrees <= exact.size()) return exact[degrees - 1];
  constexpr double z = 1.959964;
  const auto v = static_cast<double>(degrees);
  const double first = (std::pow(z, 3) + z) / 4;
  const double second = (5 * std::pow(z, 5) + 16 * std::pow(z, 3) + 3 * z) / 96;
  return z + first / v + second / (v * v);
}

/// log of the probability of exactly k successes in n trials, each with probability p in (0, 1).
double log_binomial(std::int64_t k, std::int64_t n, double p) {
  const double successes = static_cast<double>(k);
  const double trials = static_cast<double>(n);
  return std::lgamma(trials + 1) - std::lgamma(successes + 1) - std::lgamma(trials - successes + 1) +
         successes * std::log(p) + (trials - successes) * std::log1p(-p);
}

/// The p with which at least k of n successes have the given probability; it grows with p. 1 <= k <= n.
double solve_for_proportion(std::int64_t k, std::int64_t n, double probability) {
  double low = 0;
  double high = 1;
  while (true) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return middle;
    (probability_of_at_least(k, n, middle) < probability ? low : high) = middle;
  }
}

template <class T>
std::size_t index_of_largest(std::span<const T> values) {
  assert(!values.empty());
  std::size_t best = 0;
  for (std::size_t index = 1; index < values.size(); ++index) {
    if (values[index] > values[best] || values[best] != values[best]) best = index;
  }
  return best;
}

}  // namespace

// Sums the tail downward from its own largest term, so that nothing overflows or cancels.
double probability_of_at_least(std::int64_t k, std::int64_t n, double p) {
  const std::int64_t likeliest = static_cast<std::int64_t>(static_cast<double>(n + 1) * p);
  const std::int64_t start = std::clamp(likeliest, k, n);
  const double odds = p / (1 - p);
  double sum = 1;  // in units of the term at `start`
  double term = 1;
  for (std::int64_t i = start; i > k && term > sum * 1e-18; --i) {
    term *= static_cast<double>(i) / (static_cast<double>(n - i + 1) * odds);
    sum += term;
  }
  term = 1;
  for (std::int64_t i = start; i < n && term > sum * 1e-18; ++i) {
    term *= static_cast<double>(n - i) * odds / static_cast<double>(i + 1);
    sum += term;
  }
  return std::exp(log_binomial(start, n, p) + std::log(sum));
}

double Powers::decibels() const {
  if (!std::isfinite(signal) || !std::isfinite(noise)) return std::numeric_limits<double>::quiet_NaN();
  if (noise == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / noise);
}

DecibelsEstimate estimate_decibels(std::span<const Powers> by_sample) {
  Powers all;
  for (const Powers& sample : by_sample) {
    all.signal += sample.signal;
    all.noise += sample.noise;
  }
  const double decibels = all.decibels();
  if (!std::isfinite(decibels)) return {decibels, decibels, decibels};
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (by_sample.size() < 2) return {decibels, -infinity, infinity};

  double sum = 0, sum_of_squares = 0;
  for (const Powers& sample : by_sample) {
    const double without = Powers{all.signal - sample.signal, all.noise - sample.noise}.decibels();
    if (!std::isfinite(without)) return {decibels, -infinity, infinity};  // it hangs on this sample alone
    sum += without - decibels;
    sum_of_squares += (without - decibels) * (without - decibels);
  }
  const auto count = static_cast<double>(by_sample.size());
  const double variance = (count - 1) / count * std::max(0.0, sum_of_squares - sum * sum / count);
  const double half = student_quantile(by_sample.size() - 1) * std::sqrt(variance);
  return {decibels, decibels - half, decibels + half};
}

double sqnr_decibels(std::span<const float> reference, std::span<const float> measured) {
  assert(reference.size() == measured.size());
  if (reference.empty()) return std::numeric_limits<double>::quiet_NaN();
  Powers powers;
  for (std::size_t index = 0; index < reference.size(); ++index) {
    powers.add(reference[index], double{measured[index]} - reference[index]);
  }
  return powers.decibels();
}

double centred_sqnr_decibels(std::span<const std::vector<float>> reference,
                             std::span<const std::vector<float>> measured) {
  assert(reference.size() == measured.size());
  if (reference.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> mean(reference[0].size(), 0.0);
  for (const std::vector<float>& image : reference) {
    assert(image.size() == mean.size());
    for (std::size_t logit = 0; logit < mean.size(); ++logit) mean[logit] += image[logit];
  }
  for (double& value : mean) value /= static_cast<double>(reference.size());

  Powers powers;
  for (std::size_t image = 0; image < reference.size(); ++image) {
    assert(measured[image].size() == mean.size());
    for (std::size_t logit = 0; logit < mean.size(); ++logit) {
      powers.add(reference[image][logit] - mean[logit],
                 double{measured[image][logit]} - reference[image][logit]);
    }
  }
  return powers.decibels();
}

Interval clopper_pearson(std::int64_t successes, std::int64_t trials, double confidence) {
  assert(successes >= 0 && successes <= trials && confidence > 0 && confidence < 1);
  if (trials == 0) return {};
  const double tail = (1 - confidence) / 2;
  Interval interval;
  if (successes > 0) interval.low = solve_for_proportion(successes, trials, tail);
  // At most k successes with probability `tail` is at least k + 1 with the rest.
  if (successes < trials) interval.high = solve_for_proportion(successes + 1, trials, 1 - tail);
  return interval;
}

double mcnemar(std::int64_t only_first, std::int64_t only_second) {
  double tail = 0;
  for (std::int64_t i = 0; i <= std::min(only_first, only_second); ++i)
    tail += std::exp(log_binomial(i, only_first + only_second, 0.5));
  return std::min(1.0, 2 * tail);
}

std::size_t argmax(std::span<const float> values) {
  return index_of_largest(values);
}
std::size_t argmax(std::span<const std::int8_t> values) {
  return index_of_largest(values);
}

}  // namespace calib8
