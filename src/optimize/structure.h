#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// The operator with all its options as text: equal texts mean equal operators.
std::string signature_of(const tflite::Options& options);

/// Type, shape, quantization and elements of a constant (large ones by their number): equal constants have
/// equal texts.
std::string content_of(const TfliteTensor& constant);
/// True where type, shape, quantization and all elements are the same.
bool have_equal_content(const TfliteTensor& a, const TfliteTensor& b);

/// True for ADD, MUL, MAXIMUM, MINIMUM.
bool is_commutative(const tflite::Options& options);

/// A number per tensor (by index) that says how it is computed: operators, options, shapes, integer
/// constants, and where the graph's inputs stand, but no float constant's elements and no name. The same
/// network gives the same numbers, whichever file it came from.
std::vector<std::uint64_t> structure_hashes(const TfliteGraph& graph);

}  // namespace calib8
