#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace calib8 {

/// Signal-to-quantization-noise ratio in decibels: 10 log10(sum of reference^2 / sum of (measured -
/// reference)^2). +infinity where the two are equal, -infinity where the reference is all zero and the
/// measured is not, NaN where either holds a NaN or an infinity, or both are empty. Both have the same size.
double sqnr_decibels(std::span<const float> reference, std::span<const float> measured);

/// Sums of squares.
struct Powers {
  double signal = 0;
  double noise = 0;

  void add(double value, double difference) {
    signal += value * value;
    noise += difference * difference;
  }
  /// As sqnr_decibels says.
  double decibels() const;
};

/// A ratio of powers, and its 95 % interval; all of it is the ratio where that is no finite number.
struct DecibelsEstimate {
  double decibels = 0;
  double low = 0, high = 0;
};

/// The ratio of all samples' powers, with an interval of what other samples of their kind would show: the
/// jackknife's, which leaves out one sample after the other (M. H. Quenouille 1956, J. W. Tukey 1958), with
/// Student's distribution. One sample bounds nothing: -infinity to infinity.
DecibelsEstimate estimate_decibels(std::span<const Powers> by_sample);

/// sqnr_decibels for logits [image][class], with the signal taken as the reference less its own mean over the
/// images for each class: what tells the images apart, and not the offset that all of them share. With one
/// image there is no signal (-infinity, or +infinity where the two are equal). All images have the same size
/// in both.
double centred_sqnr_decibels(std::span<const std::vector<float>> reference,
                             std::span<const std::vector<float>> measured);

/// A proportion's bounds, each in [0, 1].
struct Interval {
  double low = 0;
  double high = 1;
};

/// The probability of at least k successes in n trials, each with probability p in (0, 1).
double probability_of_at_least(std::int64_t k, std::int64_t n, double p);

/// The exact ("Clopper-Pearson") interval of a proportion of which `successes` in `trials` were seen: a true
/// value outside it would show this or less, or this or more, with a probability of at most (1 - confidence)
/// / 2 each. Nothing seen (trials = 0) bounds nothing: [0, 1]. 0 <= successes <= trials, confidence in (0,
/// 1). C. J. Clopper, E. S. Pearson, Biometrika 26 (1934).
Interval clopper_pearson(std::int64_t successes, std::int64_t trials, double confidence = 0.95);

/// How likely two answers that are right equally often differ at least as much as seen: of the samples on
/// which one alone was right, `only_first` and `only_second` were the first's and the second's. Exact, both
/// sides counted; 1 where both are 0. Q. McNemar, Psychometrika 12 (1947).
double mcnemar(std::int64_t only_first, std::int64_t only_second);

/// The index of the largest value, the first of equal ones; NaN is never the largest. The span is not empty.
std::size_t argmax(std::span<const float> values);
std::size_t argmax(std::span<const std::int8_t> values);

}  // namespace calib8
