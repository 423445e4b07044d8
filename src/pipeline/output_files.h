#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/bytes.h"
#include "calib8/export.h"
#include "onnx_graph/onnx_graph.h"

namespace calib8 {

/// Where the files of an export go.
struct OutputPaths {
  std::filesystem::path onnx, tflite, metadata;
};

/// The paths by the options. Fails with ErrorCode::usage where one of them is the model that is read, or two
/// are the same file.
OutputPaths output_paths(const ExportOptions& options);

/// Each writes its file whole or not at all and returns its entry for the report: path, bytes, sha256, type
/// (the report has none). Fail with ErrorCode::output.
nlohmann::json write_onnx_file(const std::filesystem::path& path, const OnnxGraph& graph);
nlohmann::json write_file(const std::filesystem::path& path, ByteView bytes, const std::string& type);
void write_report(const std::filesystem::path& path, const Report& report);

}  // namespace calib8
