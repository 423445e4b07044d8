#include "tasks/detection/suppress_overlaps.h"

#include <algorithm>

namespace calib8 {
namespace {

float area(const Corners& box) {
  return (box.right - box.left) * (box.bottom - box.top);
}

bool overlap_more(const Corners& a, const Corners& b, float limit) {
  const float width = std::max(0.0f, std::min(a.right, b.right) - std::max(a.left, b.left));
  const float height = std::max(0.0f, std::min(a.bottom, b.bottom) - std::max(a.top, b.top));
  const float shared = width * height;
  return shared / (area(a) + area(b) - shared) > limit;  // 0 / 0 is no overlap
}

}  // namespace

std::vector<FoundBox> suppress_overlaps(std::vector<FoundBox> boxes, const SuppressionOptions& options) {
  std::ranges::stable_sort(boxes, [](const FoundBox& a, const FoundBox& b) { return a.score > b.score; });
  boxes.resize(std::min(boxes.size(), options.most_candidates));
  std::vector<FoundBox> kept;
  for (const FoundBox& box : boxes) {
    if (kept.size() == options.most_boxes) break;
    const bool is_suppressed = std::ranges::any_of(kept, [&](const FoundBox& better) {
      return (!options.by_class || better.class_index == box.class_index) &&
             overlap_more(better.at, box.at, options.most_overlap);
    });
    if (!is_suppressed) kept.push_back(box);
  }
  return kept;
}

}  // namespace calib8
