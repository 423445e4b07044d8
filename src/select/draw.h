#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "discover/discover.h"

namespace calib8 {

/// Fewer samples than this leave a range to chance.
inline constexpr std::size_t kFewSamples = 32;

/// How many samples to draw for what, and which draw it is.
struct DrawRequest {
  std::size_t calibration = 100;
  std::size_t verification = 20;
  std::uint64_t seed = 0;
  std::size_t selection = 0;  ///< To compare candidates on; never calibrated nor verified on.
  std::size_t more_verification =
      0;  ///< To verify on as well, of what all others leave; none is no shortage.
};

/// Which images to use, before any was opened: places in the listing's images. The three lists are disjoint.
struct Draw {
  std::vector<ImageIndex> calibration, verification;
  /// All others, as they stand in for unreadable and repeated ones. The selection is what then comes first of
  /// them, so that no other set depends on it.
  std::vector<ImageIndex> spare;
};

/// An image that was drawn but isn't used.
struct SkippedImage {
  std::string relative_path;
  std::string reason;  ///< One line. For a repeated image: the one that has the same bytes.
};

/// Draws images evenly over the classes: each class's images are shuffled, then taken in rounds of one image
/// per class, the classes of a round in an order of its own. Calibration is served first, so it doesn't
/// depend on how many verify; where there are too few images, verification gets what is left, perhaps
/// nothing.
///
/// Detection data have no classes, but images with and without objects. These are drawn in the proportion of
/// the data, but at least one in ten of each kind as far as there are any. Only as many label files are
/// looked at as it takes: four times as many as are calibrated on, and again as many where that isn't enough.
///
/// The same listing and request give the same selection on every machine: numbers come from SplitMix64
/// (Steele, Lea, Flood 2014), reduced to a range without bias, shuffles are Fisher and Yates's.
Draw draw_samples(const DatasetListing& listing, const DrawRequest& request);

}  // namespace calib8
