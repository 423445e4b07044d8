#pragma once

#include <cstdint>
#include <vector>

#include "arrays.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8::property {

/// A float graph as a .tflite may hold it, with operators and options that no ONNX operator is lowered to.
struct RandomTfliteGraph {
  TfliteGraph graph;
  std::vector<std::vector<Array>> inputs;   ///< [sample][input]
  std::vector<std::vector<Array>> outputs;  ///< [sample][output]
};

/// The same seed gives the same graph; fewer operators give its beginning.
RandomTfliteGraph random_tflite_graph(std::uint64_t seed, std::size_t most_operators);

}  // namespace calib8::property
