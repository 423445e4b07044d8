#pragma once

#include <string>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// Turns what read_tflite() gave into a model that computes in float32 alone: constants that the file stores
/// as float16 or as integers with scales become float32, with the DEQUANTIZE behind them gone (and behind a
/// GATHER of them), and scales that float tensors carry are dropped. Whole numbers without a scale stay what
/// they are.
///
/// Fails with ErrorCode::model, prefixed by `where`, on a model that is quantized already or computes in
/// another type, and on one that can't be right: NaN in a constant, an infinity in weights.
void convert_to_float32(TfliteGraph& graph, const std::string& where);

}  // namespace calib8
