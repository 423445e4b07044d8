#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// The options as name and value in the struct's order, e.g. {"padding", "same"}, {"stride_height", "2"}; all
/// of them, so that equal texts mean equal options.
std::vector<std::pair<std::string_view, std::string>> describe_options(const tflite::Options& options);

/// "q(0.0235, -128)" for one scale and zero point, "q(32 on axis 0 #1a2b3c4d)" with a hash of the pairs for
/// more.
std::string to_text(const Quantization& quantization);

/// Type, shape and quantization, and a constant's elements (where few) or hash.
std::string to_text(const TfliteTensor& tensor);

/// The first thing in the graph that breaks an invariant of its structure, as one line; nothing where it is
/// sound: every tensor written once and before it is read, constants of their shape's size, quantization
/// vectors complete. What each operator asks of its tensors is ops/verify.h.
std::optional<std::string> first_structural_fault(const TfliteGraph& graph);

}  // namespace calib8
