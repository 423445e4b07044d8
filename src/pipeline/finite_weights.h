#pragma once

#include <string>

#include "onnx_graph/onnx_graph.h"

namespace calib8 {

/// Fails with ErrorCode::model where a constant of a model's file is NaN, or where one that is multiplied
/// with activations (the weights of a convolution, a matrix product, a BatchNormalization) is infinite: every
/// result would be spoilt silently. Infinity elsewhere is a mask's. `where` names the file.
/// (read/tflite_float.h does so for .tflite files.)
void require_finite_weights(const OnnxGraph& graph, const std::string& where);

}  // namespace calib8
