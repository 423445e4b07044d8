#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// An input or output of a .tflite file: its name in the signature, and its type, shape and quantization.
struct TfliteEndpoint {
  std::string name;
  TfliteTensor tensor;
};

/// What can be told of a .tflite file whatever its operators are. Endpoints are those of the first subgraph,
/// operators those of all.
struct TfliteOutline {
  struct OperatorCount {
    std::size_t count = 0;
    bool is_supported = false;
  };

  std::size_t subgraphs = 0;
  std::vector<TfliteEndpoint> inputs, outputs;
  std::map<std::string, OperatorCount> operators;  ///< By name; "CUSTOM TFLite_Detection_PostProcess".

  /// Whether read_tflite knows the operators and the one subgraph.
  bool is_supported() const;
};

}  // namespace calib8
