#pragma once

#include <cstddef>
#include <vector>

#include "tasks/detection/box.h"

namespace calib8 {

struct SuppressionOptions {
  float most_overlap = 0.7f;     ///< Intersection over union with a better box of the class; more is dropped.
  std::size_t most_boxes = 300;  ///< That are kept.
  std::size_t most_candidates = 30000;  ///< The best of them are looked at.
  bool by_class = true;                 ///< Boxes of other classes don't suppress each other.
};

/// Non-maximum suppression: of boxes that overlap, the one with the highest score is kept; of equal scores
/// the first. By torchvision.ops.nms's formula, in float32. The best box comes first.
std::vector<FoundBox> suppress_overlaps(std::vector<FoundBox> boxes, const SuppressionOptions& options = {});

}  // namespace calib8
