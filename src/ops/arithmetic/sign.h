#pragma once

#include "onnx_graph/onnx_graph.h"

namespace calib8 {

/// True where the way in which the value is computed shows that none of its elements is ever below zero: it
/// comes from a Relu, a Sigmoid, a Clip from 0, ..., through operators that only move, drop, average, add or
/// multiply such elements. False also where that is merely not seen.
bool is_never_negative(const OnnxGraph& graph, OnnxValueId value);

}  // namespace calib8
