#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dataset/discover.h"

namespace calib8 {

struct SelectionRequest {
  std::size_t num_calibration = 100;
  std::size_t num_verification = 20;
  std::uint64_t seed = 0;
};

/// All images that weren't drawn, in the order in which they stand in for unreadable and repeated ones.
/// Refers to the listing's images, which must stay.
class SpareImages {
 public:
  SpareImages() = default;
  SpareImages(const ImageList& images, std::vector<std::size_t> order)
      : images_(&images), order_(std::move(order)) {}
  std::size_t size() const { return order_.size(); }
  ImageEntry operator[](std::size_t index) const { return (*images_)[order_[index]]; }

 private:
  const ImageList* images_ = nullptr;
  std::vector<std::size_t> order_;
};

/// Which images to use, before any was opened. The three lists are disjoint.
struct Selection {
  std::vector<ImageEntry> calibration;
  std::vector<ImageEntry> verification;
  SpareImages spare;
};

/// Draws images evenly over the classes: each class's images are shuffled, then taken in rounds of one image
/// per class, the classes of a round in an order of its own. Calibration is served first, so it doesn't
/// depend on num_verification; where there are too few images, verification gets what is left, perhaps
/// nothing.
///
/// Detection data have no classes, but images with and without objects. These are drawn in the proportion of
/// the data, but at least one in ten of each kind as far as there are any. Only as many label files are
/// looked at as it takes: four times as many as are calibrated on, and again as many where that isn't enough.
///
/// The same listing and request give the same selection on every machine: numbers come from SplitMix64
/// (Steele, Lea, Flood 2014), reduced to a range without bias, shuffles are Fisher and Yates's.
Selection select_samples(const DatasetListing& listing, const SelectionRequest& request);

}  // namespace calib8
