#include "recover/layer_search.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace calib8 {
namespace {

/// The errors that are left beside the stretches in float, for each need.
class Remaining {
 public:
  Remaining(const std::vector<Stretch>& stretches, const std::vector<double>& allowed)
      : allowed_(allowed), noise_(allowed.size(), 0.0) {
    for (const Stretch& stretch : stretches) put_back(stretch);
  }
  void put_back(const Stretch& stretch) {
    for (std::size_t i = 0; i < noise_.size(); ++i) noise_[i] += stretch.harm[i];
  }
  void take(const Stretch& stretch) {
    for (std::size_t i = 0; i < noise_.size(); ++i) noise_[i] -= stretch.harm[i];
  }
  bool is_allowed() const { return std::ranges::equal(noise_, allowed_, std::less_equal<>()); }

  /// The share of what is too much that a stretch makes, summed over the needs.
  double blame(const Stretch& stretch) const {
    double sum = 0;
    for (std::size_t i = 0; i < noise_.size(); ++i) {
      const double excess = noise_[i] - allowed_[i];
      if (excess > 0) sum += std::min(stretch.harm[i] / excess, 1.0);
    }
    return sum;
  }

 private:
  const std::vector<double>& allowed_;
  std::vector<double> noise_;
};

}  // namespace

std::vector<bool> choose_float(const std::vector<Stretch>& stretches, const std::vector<double>& allowed) {
  std::vector<bool> chosen(stretches.size(), false);
  Remaining remaining(stretches, allowed);
  std::vector<std::size_t> order;
  while (!remaining.is_allowed()) {
    std::size_t best = stretches.size();
    double best_value = 0;
    for (std::size_t i = 0; i < stretches.size(); ++i) {
      const double value = chosen[i] ? 0 : remaining.blame(stretches[i]) / stretches[i].cost;
      if (value > best_value) best = i, best_value = value;
    }
    if (best == stretches.size()) break;  // what is too much is nobody's
    chosen[best] = true;
    remaining.take(stretches[best]);
    order.push_back(best);
  }
  std::ranges::stable_sort(
      order, [&](std::size_t a, std::size_t b) { return stretches[a].cost > stretches[b].cost; });
  for (const std::size_t i : order) {
    Remaining without = remaining;
    without.put_back(stretches[i]);
    if (!without.is_allowed()) continue;
    remaining.put_back(stretches[i]);
    chosen[i] = false;
  }
  return chosen;
}

LayerSearch::LayerSearch(std::vector<double> costs, Probe probe)
    : costs_(std::move(costs)), probe_(std::move(probe)) {
  stretches_.push_back(measured(0, costs_.size()));
}

Stretch LayerSearch::measured(std::size_t first, std::size_t count) {
  ++probes_;
  const auto begin = costs_.begin() + static_cast<std::ptrdiff_t>(first);
  return {first, count, probe_(first, count),
          std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(count), 0.0)};
}

std::size_t LayerSearch::to_divide(const std::vector<bool>& chosen) const {
  std::size_t found = stretches_.size();
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    if (!chosen[i] || stretches_[i].count < 2) continue;
    if (found == stretches_.size() || stretches_[i].cost > stretches_[found].cost) found = i;
  }
  return found;
}

std::vector<Stretch> LayerSearch::choose(const std::vector<double>& allowed, std::size_t most_probes) {
  std::vector<bool> chosen = choose_float(stretches_, allowed);
  while (probes_ + 2 <= most_probes) {
    const std::size_t place = to_divide(chosen);
    if (place == stretches_.size()) break;
    const Stretch whole = stretches_[place];
    const std::size_t half = whole.count / 2;
    stretches_[place] = measured(whole.first, half);
    stretches_.insert(stretches_.begin() + static_cast<std::ptrdiff_t>(place) + 1,
                      measured(whole.first + half, whole.count - half));
    chosen = choose_float(stretches_, allowed);
  }
  std::vector<Stretch> result;
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    if (chosen[i]) result.push_back(stretches_[i]);
  }
  return result;
}

}  // namespace calib8
