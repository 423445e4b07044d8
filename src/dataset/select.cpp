#include "dataset/select.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace calib8 {
namespace {

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

/// Indices of the images by class, each class shuffled; one class where there are no labels.
std::vector<std::vector<std::size_t>> shuffled_classes(const DatasetListing& listing, RandomNumbers& random) {
  std::vector<std::vector<std::size_t>> classes(std::max<std::size_t>(listing.class_names.size(), 1));
  for (std::size_t i = 0; i < listing.images.size(); ++i) {
    classes[static_cast<std::size_t>(listing.images[i].label.value_or(0))].push_back(i);
  }
  for (std::vector<std::size_t>& images : classes) shuffle(images, random);
  return classes;
}

/// All images, so that every beginning is as even over the classes as can be.
std::vector<std::size_t> balanced_order(const DatasetListing& listing, std::uint64_t seed) {
  RandomNumbers random(seed);
  const std::vector<std::vector<std::size_t>> classes = shuffled_classes(listing, random);
  std::vector<std::size_t> remaining;
  for (std::size_t c = 0; c < classes.size(); ++c) remaining.push_back(c);
  std::vector<std::size_t> order;
  for (std::size_t round = 0; !remaining.empty(); ++round) {
    std::erase_if(remaining, [&](std::size_t c) { return classes[c].size() <= round; });
    shuffle(remaining, random);
    for (const std::size_t c : remaining) order.push_back(classes[c][round]);
  }
  return order;
}

}  // namespace

Selection select_samples(const DatasetListing& listing, const SelectionRequest& request) {
  const std::vector<std::size_t> order = balanced_order(listing, request.seed);
  Selection selection;
  for (const std::size_t index : order) {
    std::vector<ImageEntry>& list =
        selection.calibration.size() < request.num_calibration     ? selection.calibration
        : selection.verification.size() < request.num_verification ? selection.verification
                                                                   : selection.spare;
    list.push_back(listing.images[index]);
  }
  return selection;
}

}  // namespace calib8
