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

/// Which images to use, before any was opened. The three lists are disjoint.
struct Selection {
  std::vector<ImageEntry> calibration;
  std::vector<ImageEntry> verification;
  std::vector<ImageEntry> spare;  ///< All others, in the order in which they stand in for unreadable ones.
};

/// Draws images evenly over the classes: each class's images are shuffled, then taken in rounds of one image
/// per class, the classes of a round in an order of its own. Calibration is served first, so it doesn't
/// depend on num_verification; where there are too few images, verification gets what is left, perhaps
/// nothing.
///
/// The same listing and request give the same selection on every machine: numbers come from SplitMix64
/// (Steele, Lea, Flood 2014), reduced to a range without bias, shuffles are Fisher and Yates's.
Selection select_samples(const DatasetListing& listing, const SelectionRequest& request);

}  // namespace calib8
