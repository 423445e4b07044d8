#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tasks/detection/heads/columns.h"

namespace calib8 {
namespace {

using testing::HasSubstr;

constexpr int side = 64;

std::vector<FoundBox> decode(const DetectionHead& head, const std::vector<float>& outputs,
                             float least = 0.5f) {
  std::vector<FoundBox> found;
  head.decode(outputs, least, found);
  return found;
}

void expect_box(const FoundBox& box, const Corners& at, float score, int class_index) {
  EXPECT_NEAR(box.at.left, at.left, 1e-3);
  EXPECT_NEAR(box.at.top, at.top, 1e-3);
  EXPECT_NEAR(box.at.right, at.right, 1e-3);
  EXPECT_NEAR(box.at.bottom, at.bottom, 1e-3);
  EXPECT_NEAR(box.score, score, 1e-5);
  EXPECT_EQ(box.class_index, class_index);
}

/// Boxes of a pyramid over 64 x 64 pixels: [boxes][columns], each around its cell, 6 wide and 4 high, with
/// scores of 0.1 but for one.
struct Grid {
  std::vector<Cell> cells = cells_of(side, side, std::vector{8, 16, 32});
  std::size_t columns;
  std::vector<float> values;  ///< Boxes outermost.
  static constexpr std::size_t object = 70;

  Grid(std::size_t scores, bool in_corners, float unit, std::size_t first_score = 4)
      : columns(first_score + scores) {
    for (const Cell& cell : cells) {
      const float x = (cell.column + 0.5f) * cell.stride, y = (cell.row + 0.5f) * cell.stride;
      const std::vector<float> box =
          in_corners ? std::vector{x - 3, y - 2, x + 3, y + 2} : std::vector{x, y, 6.0f, 4.0f};
      for (const float number : box) values.push_back(number / unit);
      values.resize(values.size() + columns - 4, 0.1f);
    }
  }
  float& at(std::size_t box, std::size_t column) { return values[box * columns + column]; }
  std::vector<float> transposed() {
    std::vector<float> result;
    for (std::size_t column = 0; column < columns; ++column) {
      for (std::size_t box = 0; box < cells.size(); ++box) result.push_back(at(box, column));
    }
    return result;
  }
  Corners expected() const {
    const Cell& cell = cells[object];
    const float x = (cell.column + 0.5f) * cell.stride, y = (cell.row + 0.5f) * cell.stride;
    return {x - 3, y - 2, x + 3, y + 2};
  }
};

TEST(Heads, UltralyticsHasColumnsFirst) {
  for (const bool in_corners : {false, true}) {
    for (const float unit : {1.0f, 64.0f}) {
      Grid grid(3, in_corners, unit);
      grid.at(Grid::object, 5) = 0.9f;
      const std::vector<float> values = grid.transposed();
      const auto head = recognize_head({{{1, 7, 84}}, side, side, {}, "detect", values});
      ASSERT_TRUE(head) << in_corners << " " << unit;
      EXPECT_EQ(head->classes, 3u);
      EXPECT_THAT(head->name, HasSubstr(in_corners ? "corners" : "center"));
      EXPECT_THAT(head->name, HasSubstr(unit == 1 ? "pixels" : "0 to 1"));
      const auto found = decode(*head, values);
      ASSERT_EQ(found.size(), 1u);
      expect_box(found[0], grid.expected(), 0.9f, 1);
    }
  }
}

TEST(Heads, LogitsGetTheirSigmoid) {
  Grid grid(2, false, 1);
  for (std::size_t box = 0; box < grid.cells.size(); ++box) grid.at(box, 4) = grid.at(box, 5) = -4;
  grid.at(Grid::object, 4) = 2;
  const std::vector<float> values = grid.transposed();
  const auto found = decode(recognize_head({{{1, 6, 84}}, side, side, 2, "", values}).value(), values);
  ASSERT_EQ(found.size(), 1u);
  expect_box(found[0], grid.expected(), 1 / (1 + std::exp(-2.0f)), 0);
}

TEST(Heads, YoloxIsSureOfAnObjectFirst) {
  Grid grid(3, false, 1);  // how sure, and two classes
  grid.at(Grid::object, 4) = 0.9f, grid.at(Grid::object, 6) = 0.8f;
  const auto head = recognize_head({{{1, 84, 7}}, side, side, {}, "", grid.values});
  ASSERT_TRUE(head);
  EXPECT_EQ(head->classes, 2u);
  const auto found = decode(*head, grid.values);
  ASSERT_EQ(found.size(), 1u);
  expect_box(found[0], grid.expected(), 0.72f, 1);
}

TEST(Heads, YoloxMayLeaveDecodingToOthers) {
  Grid grid(2, false, 1);
  for (std::size_t box = 0; box < grid.cells.size(); ++box) {
    const float stride = grid.cells[box].stride;
    grid.at(box, 0) = grid.at(box, 1) = 0.5f;
    grid.at(box, 2) = std::log(6 / stride), grid.at(box, 3) = std::log(4 / stride);
  }
  grid.at(Grid::object, 4) = grid.at(Grid::object, 5) = 0.9f;
  const auto head = recognize_head({{{1, 84, 6}}, side, side, 1, "", grid.values});
  ASSERT_TRUE(head);
  EXPECT_THAT(head->name, HasSubstr("offsets from the cells"));
  const auto found = decode(*head, grid.values);
  ASSERT_EQ(found.size(), 1u);
  expect_box(found[0], grid.expected(), 0.81f, 0);
}

TEST(Heads, FormerYoloHasThreeBoxesACell) {
  std::vector<float> values;
  for (std::size_t box = 0; box < 3 * 84; ++box)
    values.insert(values.end(), {32, 40, 10, 20, 0.1f, 0.5f, 0.2f});
  values[7 * 100 + 4] = 1;
  values[7 * 100 + 6] = 0.75f;
  const auto head = recognize_head({{{1, 252, 7}}, side, side, {}, "", values});
  ASSERT_TRUE(head);
  EXPECT_EQ(head->classes, 2u);
  const auto found = decode(*head, values);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].class_index, 1);
}

TEST(Heads, MasksAndPointsAreNoScores) {
  Grid grid(2 + 5, false, 1);  // two classes, and five numbers more
  for (std::size_t box = 0; box < grid.cells.size(); ++box) {
    for (std::size_t column = 6; column < 11; ++column) grid.at(box, column) = 30;
  }
  grid.at(Grid::object, 5) = 0.9f;
  const std::vector<float> values = grid.transposed();
  const auto head = recognize_head({{{1, 11, 84}}, side, side, 2, "pose", values});
  ASSERT_TRUE(head);
  const auto found = decode(*head, values);
  ASSERT_EQ(found.size(), 1u);
  expect_box(found[0], grid.expected(), 0.9f, 1);
  EXPECT_FALSE(recognize_head({{{1, 11, 84}}, side, side, {}, "pose", values})) << "how many classes?";
}

TEST(Heads, ChosenBoxesHaveALabel) {
  const std::vector<float> values = {1, 2, 30, 40, 0.9f, 2, 5, 5, 9, 9, 0.01f, 0};
  const auto head = recognize_head({{{1, 2, 6}}, side, side, {}, "detect", values});
  ASSERT_TRUE(head);
  EXPECT_FALSE(head->suppresses);
  const auto found = decode(*head, values, 0.25f);
  ASSERT_EQ(found.size(), 1u);
  expect_box(found[0], {1, 2, 30, 40}, 0.9f, 2);
}

TEST(Heads, BoxesAndScoresMayStandApart) {
  Grid grid(2, false, 1);
  grid.at(Grid::object, 5) = 0.9f;
  std::vector<float> values = grid.transposed();  // columns first: boxes end where scores begin
  const auto head = recognize_head({{{1, 4, 84}, {1, 2, 84}}, side, side, 2, "detect", values});
  ASSERT_TRUE(head);
  const auto found = decode(*head, values);
  ASSERT_EQ(found.size(), 1u);
  expect_box(found[0], grid.expected(), 0.9f, 1);
}

TEST(Heads, SsdHasAClassOfNothing) {
  // Four boxes as corners from 0 to 1, and logits of nothing, ant, bee.
  const std::vector<float> values = {0, 0,   .5f, .5f, .25f, .25f, .5f, 1, 0, .5f, .5f, 1, .5f, 0,
                                     1, .5f, 8,   0,   0,    0,    0,   9, 8, 0,   0,   8, 0,   0};
  const auto head = recognize_head({{{1, 4, 4}, {1, 4, 3}}, side, side, 2, "", values});
  ASSERT_TRUE(head);
  const auto found = decode(*head, values);
  ASSERT_EQ(found.size(), 1u);
  expect_box(found[0], {16, 16, 32, 64}, std::exp(9.0f) / (std::exp(9.0f) + 2), 1);
}

TEST(Heads, FaceAnchorsAreTheModelCards) {
  std::vector<float> values(896 * 16 + 896, 0);
  const std::size_t box = 2 * (16 * 3 + 5) + 1;  // of the finer map: row 3, column 5, the second one
  const float numbers[] = {2, -1, 20, 10};
  for (std::size_t i = 0; i < 4; ++i) values[box * 16 + i] = numbers[i];
  for (std::size_t i = 0; i < 896; ++i) values[896 * 16 + i] = -5;
  values[896 * 16 + box] = 3;
  const auto head = recognize_head({{{1, 896, 16}, {1, 896, 1}}, 128, 128, {}, "", values});
  ASSERT_TRUE(head);
  const auto found = decode(*head, values);
  ASSERT_EQ(found.size(), 1u);
  expect_box(found[0], {44 + 2 - 10, 28 - 1 - 5, 44 + 2 + 10, 28 - 1 + 5}, 1 / (1 + std::exp(-3.0f)), 0);
}

TEST(Heads, DistancesMayBeDistributions) {
  // Of stride 8 and 16, [height, width, 64 + 1]: all steps alike (a distance of 7.5 strides) but in one cell.
  std::vector<float> values;
  for (std::size_t cell = 0; cell < 64 + 16; ++cell) {
    values.resize(values.size() + 64, 0);
    values.push_back(-6);
  }
  const std::size_t cell = 8 * 3 + 4;
  for (const std::size_t at : {1u, 16u + 2u, 32u + 0u, 48u + 1u}) values[65 * cell + at] = 100;  // 1, 2, 0, 1
  values[65 * cell + 64] = 4;
  const auto head = recognize_head({{{1, 8, 8, 65}, {1, 4, 4, 65}}, side, side, {}, "detect", values});
  ASSERT_TRUE(head);
  const auto found = decode(*head, values);
  ASSERT_EQ(found.size(), 1u);
  expect_box(found[0], {3.5f * 8, 1.5f * 8, 4.5f * 8, 4.5f * 8}, 1 / (1 + std::exp(-4.0f)), 0);
}

TEST(Heads, RetinaHasNineAnchorsACell) {
  const std::size_t anchors = 9 * (64 + 16 + 4 + 1 + 1);
  std::vector<float> values(anchors * 4 + anchors * 2, 0);
  for (std::size_t i = anchors * 4; i < values.size(); ++i) values[i] = -5;
  const std::size_t box = 9 * (8 * 2 + 1) + 3;  // row 2, column 1, a square of 32
  values[box * 4] = 0.25f, values[box * 4 + 2] = std::log(2.0f);
  values[anchors * 4 + box * 2 + 1] = 2;
  const auto head = recognize_head(
      {{{1, static_cast<std::int64_t>(anchors), 4}, {1, static_cast<std::int64_t>(anchors), 2}},
       side,
       side,
       {},
       "",
       values});
  ASSERT_TRUE(head);
  EXPECT_THAT(head->name, HasSubstr("nine a cell"));
  const auto found = decode(*head, values);
  ASSERT_EQ(found.size(), 1u);
  expect_box(found[0], {8 + 8 - 32, 0, 8 + 8 + 32, 32}, 1 / (1 + std::exp(-2.0f)), 1);
}

TEST(Heads, OthersAreNoDetectors) {
  const auto is_one = [](const std::vector<Shape>& shapes) {
    std::size_t count = 0;
    for (const Shape& shape : shapes) count += static_cast<std::size_t>(element_count(shape).value());
    return recognize_head({shapes, side, side, {}, "", std::vector<float>(count, 0.5f)}).has_value();
  };
  EXPECT_FALSE(is_one({{1, 10}}));
  EXPECT_FALSE(is_one({{1, 64, 64, 3}}));
  EXPECT_FALSE(is_one({{1, 17, 192}})) << "tokens";
  EXPECT_FALSE(is_one({{1, 16, 192}})) << "the patches of a transformer";
  EXPECT_FALSE(is_one({{1, 8, 8, 64}, {1, 4, 4, 128}})) << "features";
  EXPECT_FALSE(is_one({}));
}

TEST(Heads, NumbersThatAreNoneMakeNoBox) {
  Grid grid(2, false, 1);
  grid.at(Grid::object, 4) = 0.9f;
  const std::vector<float> good = grid.transposed();
  const auto head = recognize_head({{{1, 6, 84}}, side, side, 2, "", good});
  grid.at(Grid::object, 1) = NAN;
  grid.at(3, 5) = NAN;
  EXPECT_TRUE(decode(*head, grid.transposed()).empty());
}

}  // namespace
}  // namespace calib8
