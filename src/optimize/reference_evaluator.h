#pragma once

#include <cstdint>
#include <vector>

#include "tflite_graph/tflite_graph.h"

/// For tests only: what a graph computes, by the definitions of the operators and nothing clever, in double.
/// It works out every shape by itself and fails (std::logic_error) where the graph says another, so that a
/// pass that moves elements but not shapes, or the other way round, is caught. Compiled into the folder's
/// tests.
namespace calib8::testing {

struct Array {
  Shape shape;
  std::vector<double> elements;  ///< Row-major.
};

/// The graph's outputs, in order, for these inputs.
std::vector<Array> evaluate(const TfliteGraph& graph, const std::vector<Array>& inputs);

/// The largest difference of any two elements; infinite where shapes differ.
double largest_difference(const std::vector<Array>& a, const std::vector<Array>& b);

}  // namespace calib8::testing
