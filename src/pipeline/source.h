#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "base/pass_runner.h"
#include "calib8/export.h"
#include "onnx_graph/onnx_graph.h"
#include "pipeline/representative_data.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// The model as it was read: an ONNX graph with its input sizes set and simplified, or a float TFLite graph.
struct Source {
  std::optional<OnnxGraph> onnx;
  std::optional<TfliteGraph> tflite;
  nlohmann::json description;  ///< File, hash, kind, and what was recognized.
  bool stopped = false;        ///< A pass of --stop-after was reached.
};

/// Reads a model file of any kind that calib8 knows. Fails with ErrorCode::model.
Source read_source(const ExportOptions& options);

/// What samples for the model are made of: its inputs ([1, ...], channels last, as the TFLite model takes
/// them) and its file's config. Nothing is lowered, so operators don't matter. Fails with ErrorCode::model.
SampleRequest read_model_inputs(const DatasetOptions& options);

/// The same network for a batch of one image, ready for lowering.
OnnxGraph with_single_batch(OnnxGraph graph, const ExportOptions& options);

/// The passes that the options leave out or stop at. Fails with ErrorCode::usage where they name one that
/// isn't there.
PassOptions pass_options(const ExportOptions& options);

}  // namespace calib8
