#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "onnx_graph/onnx_graph.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// All about a model but its weights: inputs, outputs, counts, and one entry per operator (op, version,
/// options, which tensors, what XNNPACK will run) and tensor (type, shape, quantization). Names are made
/// printable.
nlohmann::ordered_json inspect_json(const TfliteGraph& graph);
nlohmann::ordered_json inspect_json(const OnnxGraph& graph);

/// The same as a table to read.
std::string inspect_text(const TfliteGraph& graph);
std::string inspect_text(const OnnxGraph& graph);

}  // namespace calib8
