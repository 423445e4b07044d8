#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "pipeline/export_run.h"
#include "tflite_graph/tflite_graph.h"
#include "write/constant_block.h"

namespace calib8 {

/// A float model ready for LiteRT.
struct LoweredModel {
  TfliteGraph graph;
  ConstantBlock constants;
  nlohmann::json config;  ///< What the model's file says beside its weights; an object.

  FloatModel view() const { return {graph, constants}; }
};

/// Reads the model, writes model.onnx unless that isn't wanted, lowers and optimizes; nothing where that was
/// all that was asked for, or a pass of --stop-after was reached. The checkpoint is unmapped and the ONNX
/// graph gone when this returns: calibration needs the memory.
std::optional<LoweredModel> make_float_model(ExportRun& run, bool writes_onnx = true);

/// The same network for images of another size (height, width), ready to run; nothing for a model whose file
/// fixes its size. Fails with ErrorCode::model where the network can't take that size.
std::optional<LoweredModel> float_model_at(const ExportOptions& options,
                                           std::pair<std::int64_t, std::int64_t> size);

}  // namespace calib8
