#pragma once

#include <cstddef>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// A tensor is NaN or infinite somewhere in that calibration sample: fails with ErrorCode::dataset where it
/// is an input of the graph, else with ErrorCode::model.
[[noreturn]] void fail_not_finite(const TfliteGraph& graph, TensorId tensor, std::size_t sample);

}  // namespace calib8
