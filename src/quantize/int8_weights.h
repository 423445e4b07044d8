#pragma once

#include <string>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// How an operator gets at the int8 weights that the file holds for it.
enum class Int8Weights {
  meet_integers,  ///< Its kernel rounds the activations to int8 on the way, and multiplies integers.
  widened,        ///< A DEQUANTIZE in front of it, which XNNPACK computes once, when the model is loaded.
  looked_up,      ///< Rows are looked up, and widened afterwards.
};

struct StoredWeights {
  std::string weights, op;  ///< "encoder.fc1.weight", "FULLY_CONNECTED"
  Int8Weights use = Int8Weights::meet_integers;
};

/// Stores the weights of a float model as int8, a scale for each output channel (TFLite's "dynamic range
/// quantization"): a quarter of the size, without calibration. Activations stay float32; where it pays, the
/// kernels of FULLY_CONNECTED and CONV_2D choose a scale for them anew in each run, row by row or image by
/// image. Weights of fewer than 1024 numbers stay float, and so do tables whose rows one scale doesn't fit.
/// Returns what was stored, in the order in which it runs.
std::vector<StoredWeights> store_weights_as_int8(TfliteGraph& graph);

}  // namespace calib8
