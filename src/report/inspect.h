#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "onnx_graph/onnx_graph.h"
#include "tflite_graph/outline.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// All about a model but its weights: inputs, outputs, counts, and one entry per operator (op, version,
/// options, which tensors, what XNNPACK will run) and tensor (type, shape, quantization). Names are made
/// printable.
nlohmann::ordered_json inspect_json(const TfliteGraph& graph);
/// `refusals`: what export would refuse the model for; operators without a row are marked.
nlohmann::ordered_json inspect_json(const OnnxGraph& graph, const std::vector<std::string>& refusals);
/// What there is to say of a file whose operators aren't all known: its ends, and a count of each operator.
nlohmann::ordered_json inspect_json(const TfliteOutline& outline);

/// The same as a table to read.
std::string inspect_text(const TfliteGraph& graph);
std::string inspect_text(const OnnxGraph& graph, const std::vector<std::string>& refusals);
std::string inspect_text(const TfliteOutline& outline);

}  // namespace calib8
