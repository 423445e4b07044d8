#pragma once

#include <string>
#include <variant>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// A float graph that takes a picture's pixels, 0 to 255, where another takes scaled and normalized values.
/// TensorIds and OperatorIds of the other mean the same here.
struct PixelGraph {
  TfliteGraph graph;
  std::vector<TensorId> pictures;        ///< The tensors that hold pixels: the input, and what is cut of it.
  std::vector<OperatorId> first_layers;  ///< That have taken the normalization in.
};

/// Moves the normalization of the only input into the layers that read it: CONV_2D, DEPTHWISE_CONV_2D and
/// FULLY_CONNECTED, also behind operators that only move pixels (PAD, SLICE, RESHAPE, ...) and arithmetic
/// with a number for each channel, which goes.
///
///     x -> CONV_2D(w, b, SAME) -> y   =>   pixels -> CONCATENATION with a border -> CONV_2D(w', b', VALID)
///     -> y
///
/// w' = w * scale, b' = b + sum(w * offset); the border has the pixel that stands for zero (the mean colour),
/// so this is exact wherever a layer pads. Else the reason why it can't be done, for a person: which operator
/// reads the input and isn't linear in it. `scaling` has one entry for each channel of the input.
std::variant<PixelGraph, std::string> take_pixels(const TfliteGraph& graph, const PixelScaling& scaling);

}  // namespace calib8
