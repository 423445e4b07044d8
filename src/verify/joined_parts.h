#pragma once

#include <cstdint>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// What an output is put together from: boxes and scores, or the levels of a pyramid.
struct JoinedParts {
  std::vector<TensorId> parts;         ///< What is joined, as far as joins are nested.
  std::vector<std::uint16_t> part_of;  ///< For each element of the output, its place in `parts`.
};

/// Follows `output` up through RESHAPE and TRANSPOSE to CONCATENATION, and on through each of its inputs
/// likewise. One part where nothing is joined, or more is than a person would look through.
JoinedParts joined_parts(const TfliteGraph& graph, TensorId output);

}  // namespace calib8
