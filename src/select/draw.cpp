#include "select/draw.h"

#include <algorithm>
#include <deque>

#include "select/random_numbers.h"

namespace calib8 {
namespace {

/// Indices of the images by class, each class shuffled; one class where there are no labels.
std::vector<std::vector<ImageIndex>> shuffled_classes(const DatasetListing& listing, RandomNumbers& random) {
  std::vector<std::vector<ImageIndex>> classes(std::max<std::size_t>(listing.class_names.size(), 1));
  for (ImageIndex i = 0; i < listing.images.size(); ++i) {
    classes[static_cast<std::size_t>(listing.images.label(i).value_or(0))].push_back(i);
  }
  for (std::vector<ImageIndex>& images : classes) shuffle(images, random);
  return classes;
}

/// All images, so that every beginning is as even over the classes as can be.
std::vector<ImageIndex> balanced_order(const DatasetListing& listing, std::uint64_t seed) {
  RandomNumbers random(seed);
  const std::vector<std::vector<ImageIndex>> classes = shuffled_classes(listing, random);
  std::vector<std::size_t> remaining;
  for (std::size_t c = 0; c < classes.size(); ++c) remaining.push_back(c);
  std::vector<ImageIndex> order;
  for (std::size_t round = 0; !remaining.empty(); ++round) {
    std::erase_if(remaining, [&](std::size_t c) { return classes[c].size() <= round; });
    shuffle(remaining, random);
    for (const std::size_t c : remaining) order.push_back(classes[c][round]);
  }
  return order;
}

/// Puts a part of the order so that every beginning of it holds images with and without objects in their
/// proportion, or one in ten where there are fewer of a kind.
void mix_by_objects(const DatasetListing& listing, ImageIndex* order, std::size_t count) {
  std::deque<ImageIndex> with, without;
  for (std::size_t i = 0; i < count; ++i)
    (listing.annotations->has_objects(listing.images[order[i]]) ? with : without).push_back(order[i]);
  constexpr std::size_t least_part = 10;
  const std::size_t least = (count + least_part - 1) / least_part;
  const std::size_t share = std::clamp(without.size(), least, std::max(count - least, least));
  std::size_t taken_without = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const bool due = (i + 1) * share / count > taken_without;
    std::deque<ImageIndex>& from = with.empty() || (due && !without.empty()) ? without : with;
    taken_without += &from == &without || due ? 1 : 0;
    order[i] = from.front();
    from.pop_front();
  }
}

}  // namespace

Draw draw_samples(const DatasetListing& listing, const DrawRequest& request) {
  std::vector<ImageIndex> order = balanced_order(listing, request.seed);
  const std::size_t calibration = std::min(request.calibration, order.size());
  const std::size_t drawn = calibration + std::min(request.verification, order.size() - calibration);
  const std::size_t block = std::max<std::size_t>(calibration, 1) * 4;
  for (std::size_t begin = 0; listing.annotations && begin < drawn; begin += block)
    mix_by_objects(listing, order.data() + begin, std::min(block, order.size() - begin));
  const auto at = [&](std::size_t place) { return order.begin() + static_cast<std::ptrdiff_t>(place); };
  return {{at(0), at(calibration)}, {at(calibration), at(drawn)}, {at(drawn), order.end()}};
}

}  // namespace calib8
