#include "tasks/detection/suppress_overlaps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace calib8 {
namespace {

std::vector<FoundBox> random_boxes(std::mt19937& random, std::size_t count, int classes) {
  const auto below = [&](int end) { return static_cast<float>(random() % static_cast<unsigned>(end)); };
  std::vector<FoundBox> boxes;
  for (std::size_t i = 0; i < count; ++i) {
    const float left = below(400) / 7, top = below(400) / 7;
    boxes.push_back({{left, top, left + 1 + below(300) / 7, top + 1 + below(300) / 7},
                     below(50) / 50,  // with equal scores
                     static_cast<int>(below(classes))});
  }
  return boxes;
}

/// torchvision's CPU kernel: every box that wasn't suppressed suppresses all behind it.
std::vector<std::size_t> by_torchvision(const std::vector<FoundBox>& boxes, float limit) {
  std::vector<std::size_t> order(boxes.size()), kept;
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return boxes[a].score > boxes[b].score; });
  std::vector<float> areas;
  for (const auto& [at, score, index] : boxes) areas.push_back((at.right - at.left) * (at.bottom - at.top));
  std::vector<bool> suppressed(boxes.size(), false);
  for (std::size_t a = 0; a < order.size(); ++a) {
    const std::size_t i = order[a];
    if (suppressed[i]) continue;
    kept.push_back(i);
    for (std::size_t b = a + 1; b < order.size(); ++b) {
      const std::size_t j = order[b];
      if (boxes[i].class_index != boxes[j].class_index) continue;
      const float w = std::max(0.0f, std::min(boxes[i].at.right, boxes[j].at.right) -
                                         std::max(boxes[i].at.left, boxes[j].at.left));
      const float h = std::max(0.0f, std::min(boxes[i].at.bottom, boxes[j].at.bottom) -
                                         std::max(boxes[i].at.top, boxes[j].at.top));
      if (w * h / (areas[i] + areas[j] - w * h) > limit) suppressed[j] = true;
    }
  }
  return kept;
}

TEST(SuppressOverlaps, IsTorchvisionsFormula) {
  std::mt19937 random(1);
  for (int set = 0; set < 1000; ++set) {
    const auto boxes = random_boxes(random, 1 + random() % 60, 1 + static_cast<int>(random() % 3));
    const float limit = static_cast<float>(random() % 10) / 10;
    const auto kept = suppress_overlaps(boxes, {.most_overlap = limit});
    const auto expected = by_torchvision(boxes, limit);
    ASSERT_EQ(kept.size(), expected.size()) << "set " << set;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      EXPECT_EQ(kept[i].at.left, boxes[expected[i]].at.left) << "set " << set;
      EXPECT_EQ(kept[i].score, boxes[expected[i]].score) << "set " << set;
    }
  }
}

TEST(SuppressOverlaps, LooksAtClasses) {
  const std::vector<FoundBox> boxes = {{{0, 0, 10, 10}, 0.5f, 0}, {{0, 0, 10, 9}, 0.9f, 1}};
  EXPECT_EQ(suppress_overlaps(boxes).size(), 2u);
  const auto one = suppress_overlaps(boxes, {.by_class = false});
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].class_index, 1);
}

TEST(SuppressOverlaps, KeepsNoMoreThanAskedFor) {
  std::vector<FoundBox> apart;
  for (int i = 0; i < 50; ++i) {
    const auto left = static_cast<float>(20 * i);
    apart.push_back({{left, 0, left + 10, 10}, static_cast<float>(i) / 50, 0});
  }
  const auto kept = suppress_overlaps(apart, {.most_boxes = 5});
  ASSERT_EQ(kept.size(), 5u);
  EXPECT_FLOAT_EQ(kept[0].score, 0.98f);
  EXPECT_EQ(suppress_overlaps(apart, {.most_candidates = 3}).size(), 3u);
  EXPECT_TRUE(suppress_overlaps({}).empty());
}

}  // namespace
}  // namespace calib8
