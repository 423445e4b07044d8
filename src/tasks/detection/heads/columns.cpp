#include "tasks/detection/heads/columns.h"

#include <algorithm>
#include <array>

namespace calib8 {
namespace {

std::size_t cell_count(int height, int width, int stride) {
  const auto cells = [&](int size) { return static_cast<std::size_t>((size + stride - 1) / stride); };
  return cells(height) * cells(width);
}

/// As corners would be; a center and a size would not in half of the boxes.
bool are_in_order(const HeadQuestion& question, const Columns& columns) {
  constexpr double most_crossed = 0.02;
  std::size_t crossed = 0;
  for (std::size_t box = 0; box < columns.boxes; ++box) {
    const auto number = [&](std::size_t i) { return columns.at(question.example, box, i); };
    if (number(2) < number(0) || number(3) < number(1)) ++crossed;
  }
  return static_cast<double>(crossed) <= most_crossed * static_cast<double>(columns.boxes);
}

/// Whether the middle of the first and third number is nearer to the cell than the first one is.
bool have_middles_in_cells(const HeadQuestion& question, const Columns& columns, const Pyramid& pyramid,
                           bool in_shares) {
  const std::vector<Cell> cells =
      cells_of(question.height, question.width, pyramid.strides, pyramid.boxes_a_cell);
  const float scale = in_shares ? static_cast<float>(question.width) : 1;
  double of_first = 0, of_middle = 0;
  for (std::size_t box = 0; box < columns.boxes; ++box) {
    const float place = (cells[box].column + 0.5f) * cells[box].stride;
    const float first = scale * columns.at(question.example, box, 0);
    const float third = scale * columns.at(question.example, box, 2);
    of_first += std::abs(first - place) / cells[box].stride;
    of_middle += std::abs((first + third) / 2 - place) / cells[box].stride;
  }
  return of_middle < of_first;
}

}  // namespace

std::vector<Cell> cells_of(int height, int width, std::span<const int> strides, int repeated) {
  std::vector<Cell> cells;
  for (const int stride : strides) {
    for (int row = 0; row < (height + stride - 1) / stride; ++row) {
      for (int column = 0; column < (width + stride - 1) / stride; ++column) {
        cells.insert(cells.end(), static_cast<std::size_t>(repeated),
                     {static_cast<float>(column), static_cast<float>(row), static_cast<float>(stride)});
      }
    }
  }
  return cells;
}

Pyramid pyramid_of(int height, int width, std::size_t boxes) {
  // Of several maps: a single one is as well the patches of a transformer.
  static const std::array<std::vector<int>, 8> usual = {
      {{8, 16, 32}, {8, 16, 32, 64}, {4, 8, 16, 32}, {16, 32}, {16, 32, 64}, {8, 16}, {4, 8}, {4, 8, 16}}};
  for (const int boxes_a_cell : {1, 3}) {
    for (const std::vector<int>& strides : usual) {
      std::size_t count = 0;
      for (const int stride : strides) count += cell_count(height, width, stride);
      if (count * static_cast<std::size_t>(boxes_a_cell) == boxes) return {strides, boxes_a_cell};
    }
  }
  return {};
}

BoxUnits units_of(const HeadQuestion& question, const Columns& columns) {
  constexpr float most_share = 2;  // a box may reach out of the picture
  float largest = 0;
  for (std::size_t box = 0; box < columns.boxes; ++box) {
    for (std::size_t i = 0; i < 4; ++i)
      largest = std::max(largest, std::abs(columns.at(question.example, box, i)));
  }
  const bool in_shares = largest <= most_share;
  const Pyramid pyramid = pyramid_of(question.height, question.width, columns.boxes);
  const bool are_corners = pyramid.strides.empty()
                               ? are_in_order(question, columns)
                               : have_middles_in_cells(question, columns, pyramid, in_shares);
  return {are_corners ? BoxForm::corners : BoxForm::center, in_shares};
}

Corners to_corners(const float (&numbers)[4], const BoxUnits& units, int height, int width) {
  Corners corners{numbers[0], numbers[1], numbers[2], numbers[3]};
  if (units.form == BoxForm::center) {
    corners = {numbers[0] - numbers[2] / 2, numbers[1] - numbers[3] / 2, numbers[0] + numbers[2] / 2,
               numbers[1] + numbers[3] / 2};
  }
  if (!units.in_shares) return corners;
  const auto x = static_cast<float>(width), y = static_cast<float>(height);
  return {corners.left * x, corners.top * y, corners.right * x, corners.bottom * y};
}

std::string describe(const BoxUnits& units) {
  return std::string(units.form == BoxForm::center ? "center and size" : "corners") +
         (units.in_shares ? " from 0 to 1" : " in pixels");
}

bool are_logits(const HeadQuestion& question, const Columns& columns, std::size_t first, std::size_t end) {
  constexpr float tolerance = 1e-3f;
  for (std::size_t box = 0; box < columns.boxes; ++box) {
    for (std::size_t column = first; column < end; ++column) {
      const float score = columns.at(question.example, box, column);
      if (score < -tolerance || score > 1 + tolerance) return true;
    }
  }
  return false;
}

bool is_box(const Corners& corners) {
  return std::isfinite(corners.left) && std::isfinite(corners.top) && std::isfinite(corners.right) &&
         std::isfinite(corners.bottom) && corners.right > corners.left && corners.bottom > corners.top;
}

}  // namespace calib8
