#pragma once

#include <memory>
#include <string>
#include <vector>

#include "arrays.h"
#include "calibrate/choose_range.h"
#include "onnx_graph/onnx_graph.h"
#include "quantize/apply.h"
#include "runtime/interpreter.h"
#include "tflite_graph/tflite_graph.h"

/// The stages of an export as the command runs them, in memory: the one place here that calls them.
namespace calib8::property {

/// The float model that LiteRT runs, from an ONNX graph or (as a .tflite enters) from a TFLite one.
TfliteGraph float_model(OnnxGraph graph);
TfliteGraph float_model(const TfliteGraph& graph);

struct QuantizationChoices {
  DType activations = DType::int8;
  CalibrationMethod method = CalibrationMethod::minmax;
  ModelIo io = ModelIo::int8;
  int threads = 1;
};

struct QuantizedModel {
  TfliteGraph calibrated;  ///< The float graph whose tensors were observed.
  TfliteGraph graph;       ///< Where both have an operator, both have it under one id.
};

/// `samples` are what the float model's inputs get.
QuantizedModel quantize(const TfliteGraph& model, const std::vector<std::vector<Array>>& samples,
                        const QuantizationChoices& choices, const std::shared_ptr<const LiteRt>& litert);

/// What some tensors of the graph hold after a run, for each sample: their stored numbers, unscaled.
std::vector<std::vector<Array>> run(const TfliteGraph& graph, const std::vector<TensorId>& tensors,
                                    const std::vector<std::vector<Array>>& samples, Kernels kernels,
                                    const std::shared_ptr<const LiteRt>& litert);

/// Numbers as they are stored, to the real numbers that they stand for.
Array real_values(const TfliteTensor& tensor, const Array& stored);
/// The same backwards: rounded to the nearest level, ties to even.
Array stored_values(const TfliteTensor& tensor, const Array& real);

}  // namespace calib8::property
