#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace calib8 {

/// A sum of vectors of floating-point numbers, one for each index, whose bits don't depend on the order in
/// which they come, nor on the threads that bring them: they are added in pairs along one fixed binary tree
/// over the indices. Holds a vector for each gap that is still open and a few more (the logarithm of the
/// count), not one for each index.
class OrderedSum {
 public:
  /// Each index once; all vectors have the same size.
  void add(std::size_t index, std::vector<double> values) {
    const std::lock_guard lock(mutex_);
    Place place{0, index};
    for (auto sibling = blocks_.find(sibling_of(place)); sibling != blocks_.end();
         sibling = blocks_.find(sibling_of(place))) {
      // a + b is b + a: which of the two came first doesn't matter
      for (std::size_t i = 0; i < values.size(); ++i) values[i] += sibling->second[i];
      blocks_.erase(sibling);
      place = {place.first + 1, place.second / 2};
    }
    blocks_.emplace(place, std::move(values));
  }

  /// Of what was added; empty where nothing was.
  std::vector<double> total() const {
    const std::lock_guard lock(mutex_);
    std::map<std::size_t, const std::vector<double>*> by_first_index;
    for (const auto& [place, values] : blocks_) by_first_index[place.second << place.first] = &values;
    std::vector<double> total;
    for (const auto& [first, values] : by_first_index) {
      if (total.empty()) total.assign(values->size(), 0);
      for (std::size_t i = 0; i < total.size(); ++i) total[i] += (*values)[i];
    }
    return total;
  }

 private:
  using Place = std::pair<std::size_t, std::size_t>;  // level, position in the level

  static Place sibling_of(Place place) { return {place.first, place.second ^ 1}; }

  mutable std::mutex mutex_;
  std::map<Place, std::vector<double>> blocks_;
};

}  // namespace calib8
