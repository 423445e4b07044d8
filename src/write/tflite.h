#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// A tensor that the written model gives out, and its name in the signature.
struct TfliteOutput {
  TensorId tensor;
  std::string name;
};

struct TfliteFileOptions {
  /// In place of the graph's outputs: any tensors of the graph, e.g. all that calibration observes. Distinct
  /// tensors with distinct names, which are then exactly the outputs of subgraph and signature.
  std::optional<std::vector<TfliteOutput>> outputs;
};

/// The .tflite file of a graph that verify() accepts: one subgraph, and the signature "serving_default" with
/// input_names and output_names (or the tensors' names where the graph has none).
///
/// Tensors stand in canonical order (inputs, then as operators read and write them), unused ones are left
/// out, and their names are made distinct. Equal constants share one buffer, equal vectors, quantizations and
/// options one place, so the file is as small as the format allows; the same graph gives the same bytes.
/// Its metadata names the first TensorFlow release whose runtime has every operator in its version
/// ("min_runtime_version", e.g. "1.14.0").
/// Constants are aligned to 16 bytes from the start, and the result to 64, so a runtime can use it in place.
///
/// Peak memory: the constants where they are, and the result once. Fails with ErrorCode::model where the file
/// would exceed 2 GB, the format's limit.
Data serialize_tflite(const TfliteGraph& graph, const TfliteFileOptions& options = {});

}  // namespace calib8
