#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ops/all_ops.h"
#include "ops/lowering.h"

namespace calib8 {

/// One dimension of a Resize; `scale` is ONNX's, which rounding of the size doesn't change.
struct Line {
  std::int64_t input, output;
  float scale;

  bool is_whole() const { return input == output && scale == 1.0f; }
};

/// Where in the input ONNX reads for the output's element `x` (Resize, coordinate_transformation_mode).
/// Nothing for modes that aren't lowered.
std::optional<float> onnx_coordinate(const std::string& mode, const Line& line, std::int64_t x);

/// The element that nearest_mode chooses there; nothing for modes that don't exist.
std::optional<std::int64_t> onnx_nearest(const std::string& rounding, float at, std::int64_t input);

/// Resize as what it is along each axis by itself, whatever its mode.
Refusal lower_resize_by_axes(Lowering& lowering, const std::vector<Line>& lines);

/// The TFLite half of the family (resize_tflite.cpp).
std::span<const OpFamily::TfliteRow> resize_tflite_rows();

}  // namespace calib8
