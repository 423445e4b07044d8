#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// The operator with all its options as text: equal texts mean equal operators.
std::string signature_of(const tflite::Options& options);

/// Type, shape, quantization and elements of a constant. Large ones (weights) are told apart by where they
/// lie in memory, not by their elements: two texts may differ for equal constants, never the other way round.
std::string content_of(const TfliteTensor& constant);

/// True for ADD, MUL, MAXIMUM, MINIMUM.
bool is_commutative(const tflite::Options& options);

/// A number per tensor (by index) that says how it is computed: operators, options, shapes, integer
/// constants, and where the graph's inputs stand, but no float constant's elements and no name. The same
/// network gives the same numbers, whichever file it came from.
std::vector<std::uint64_t> structure_hashes(const TfliteGraph& graph);

}  // namespace calib8
