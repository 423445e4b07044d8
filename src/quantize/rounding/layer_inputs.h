#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// What the filters of one layer met on some samples: at output positions that were looked at, the inputs of
/// one output element in the order of its weights (for a convolution a window, row by row, channels
/// innermost; zeros where it hangs over the edge). In levels, less the zero point, of the input's
/// quantization: at most 2^8 in magnitude, so that sums of their products are whole numbers that doubles
/// hold.
struct LayerInputs {
  std::size_t length = 0;  ///< Weights of a filter.
  std::size_t groups = 1;  ///< Filters are shared out over so many groups, in order; each has its own inputs.
  std::size_t count = 0;   ///< Positions that were looked at; below 2^15 where sums are held.
  float level = 1;         ///< What one level is worth.

  std::vector<std::int16_t> rows;      ///< [position][group][element]; empty where sums are held instead:
  std::vector<std::int32_t> sums;      ///< [group][element]
  std::vector<std::int32_t> products;  ///< [group][element][element], the upper triangle (first <= second).

  /// The mean of each element of a group, in levels.
  std::vector<double> mean(std::size_t group) const;
};

using InputsOfLayers = std::map<OperatorId, LayerInputs>;

}  // namespace calib8
