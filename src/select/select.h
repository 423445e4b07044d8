#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "discover/discover.h"

namespace calib8 {

/// Fewer samples than this leave a range to chance.
inline constexpr std::size_t kFewSamples = 32;

struct SelectionRequest {
  std::size_t num_calibration = 100;
  std::size_t num_verification = 20;
  std::uint64_t seed = 0;
};

/// Which images to use, before any was opened: places in the listing's images. The three
/// lists are disjoint.
struct Selection {
  std::vector<ImageIndex> calibration, verification;
  std::vector<ImageIndex> spare;  ///< All others, as they stand in for unreadable and repeated ones.
};

/// An image that was drawn but isn't used.
struct SkippedImage {
  std::string relative_path;
  std::string reason;  ///< One line. For a repeated image: the one that has the same bytes.
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
