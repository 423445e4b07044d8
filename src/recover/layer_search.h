#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace calib8 {

/// Operators that follow each other and compute in integers, or in float, together.
struct Stretch {
  std::size_t first = 0, count = 0;  ///< In the list of operators that may be either.
  /// For each need: the error that it makes while all others compute in float, as a share of the signal's
  /// power.
  std::vector<double> harm;
  double cost = 0;  ///< What it takes longer in float, in any unit.
};

/// Those that are to be float so that the errors of the others, which add up, are at most `allowed`: one
/// after the other what takes away most of what is too much, for its cost; then none that isn't needed. True
/// for stretches that are float.
std::vector<bool> choose_float(const std::vector<Stretch>& stretches, const std::vector<double>& allowed);

/// Finds out which operators harm, by halves: a stretch that would have to be float is divided, as only some
/// of it may be to blame. So one bad operator among n is found with 2 log2(n) probes.
class LayerSearch {
 public:
  /// What an error of each need is while only the operators [first, first + count) compute in integers.
  using Probe = std::function<std::vector<double>(std::size_t first, std::size_t count)>;

  /// `costs` has an entry for each operator.
  LayerSearch(std::vector<double> costs, Probe probe);

  /// Probes, `most_probes` times at most over the life of this, until what choose_float() takes are single
  /// operators; then they, in ascending order.
  std::vector<Stretch> choose(const std::vector<double>& allowed, std::size_t most_probes);

  std::size_t probes() const { return probes_; }

 private:
  Stretch measured(std::size_t first, std::size_t count);
  /// The chosen stretch of several operators that costs most; the number of stretches where there is none.
  std::size_t to_divide(const std::vector<bool>& chosen) const;

  std::vector<double> costs_;
  Probe probe_;
  std::size_t probes_ = 0;
  std::vector<Stretch> stretches_;  ///< In order, without gaps.
};

}  // namespace calib8
