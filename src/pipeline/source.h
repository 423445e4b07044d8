#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/pass_runner.h"
#include "calib8/export.h"
#include "onnx_graph/onnx_graph.h"
#include "pipeline/representative_data.h"
#include "report/export_report.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// The graph as the pass of --stop-after left it.
struct Stopped {
  OnnxGraph graph;
};

/// The model as it was read: an ONNX graph with its input sizes set and simplified, or a float TFLite graph.
struct Source {
  std::variant<OnnxGraph, TfliteGraph, Stopped> graph;
  ModelDescription description;
  std::vector<std::filesystem::path> other_files;  ///< Read beside the model's own: external weights.
  std::vector<Data> files;  ///< All that was read, mapped: the graph's constants may lie in them.
};

/// Reads a model file of any kind that calib8 knows (readers/model_readers.h). Fails with ErrorCode::model,
/// and with ErrorCode::usage for a file that holds none and for flags that it has no use for.
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
