#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// How an operator's windows lie along one axis of its input.
struct WindowAxis {
  std::ptrdiff_t input = 1, output = 1, window = 1, stride = 1, dilation = 1;
  std::ptrdiff_t before = 0;  ///< How far the first window hangs over the edge.
  bool transposed = false;    ///< TRANSPOSE_CONV: windows are laid over the output.

  /// The place in the input that a tap meets for an output; nothing where it meets none.
  std::optional<std::ptrdiff_t> meets(std::ptrdiff_t place, std::ptrdiff_t tap) const;
  /// First and last place in the input that outputs [first, last] meet.
  std::pair<std::ptrdiff_t, std::ptrdiff_t> reach(std::ptrdiff_t first, std::ptrdiff_t last) const;
};

/// How the filters of an operator with weights meet its data.
struct LayerGeometry {
  TensorId data;
  std::size_t images = 1, channels = 1;  ///< Of the data.
  std::size_t groups = 1, depth = 1;     ///< Channels are shared out over groups, `depth` each.
  WindowAxis height, width;

  std::size_t taps() const { return static_cast<std::size_t>(height.window * width.window); }
  std::size_t length() const { return taps() * depth; }  ///< Weights of a filter.
};

/// Of CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED, whose rows are images of one pixel;
/// nothing for other operators.
std::optional<LayerGeometry> layer_geometry(const TfliteGraph& graph, OperatorId id);

}  // namespace calib8
