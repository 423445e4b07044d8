#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "tasks/detection/box.h"
#include "tasks/detection/heads/head.h"

namespace calib8 {

/// An output of boxes by columns, x y w h and so on, whichever of both axes is outermost.
struct Columns {
  std::size_t begin = 0;  ///< In all outputs.
  std::size_t boxes = 0, columns = 0;
  bool columns_first = false;  ///< [1, columns, boxes]

  std::size_t index(std::size_t box, std::size_t column) const {
    return begin + (columns_first ? column * boxes + box : box * columns + column);
  }
  float at(std::span<const float> outputs, std::size_t box, std::size_t column) const {
    return outputs[index(box, column)];
  }
};

inline float sigmoid(float value) {
  return 1 / (1 + std::exp(-value));
}

/// A cell of a feature map: its place in units of cells, and the input's pixels in one.
struct Cell {
  float column, row, stride;
};

/// The cells of the maps of these strides, map by map, row by row, each `repeated` times.
std::vector<Cell> cells_of(int height, int width, std::span<const int> strides, int repeated = 1);

/// Strides of the feature maps that a number of boxes comes of, and how many boxes a cell has; empty where no
/// usual pyramid has so many.
struct Pyramid {
  std::vector<int> strides;
  int boxes_a_cell = 1;
};
Pyramid pyramid_of(int height, int width, std::size_t boxes);

/// How a box's four numbers stand in an output.
enum class BoxForm {
  center,   ///< x and y of the center, width, height.
  corners,  ///< left, top, right, bottom.
};
struct BoxUnits {
  BoxForm form = BoxForm::center;
  bool in_shares = false;  ///< Of the input's sides; else pixels.
};
/// What the first four of the columns are, by the values of an example: of a pyramid, boxes lie around their
/// cells; else corners are in order.
BoxUnits units_of(const HeadQuestion& question, const Columns& columns);
Corners to_corners(const float (&numbers)[4], const BoxUnits& units, int height, int width);
std::string describe(const BoxUnits& units);

/// Whether columns from `first` on are no shares from 0 to 1: sigmoids are to be taken.
bool are_logits(const HeadQuestion& question, const Columns& columns, std::size_t first, std::size_t end);

/// Finite, and with an area.
bool is_box(const Corners& corners);

}  // namespace calib8
