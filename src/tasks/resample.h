#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace calib8 {

/// Bounds that hold 95 % of what other samples of the kind would show.
struct Bounds {
  double low = 0, high = 0;
};

/// The bootstrap's percentiles (B. Efron, Annals of Statistics 7, 1979): `statistic` of data sets that are
/// drawn out of `count` samples with repetition; times[i] says how often sample i was drawn. The same seed
/// draws the same on every machine. At least one sample.
Bounds resample(std::size_t count, const std::function<double(std::span<const int> times)>& statistic,
                int draws = 500);

}  // namespace calib8
