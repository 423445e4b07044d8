#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "calib8/export.h"
#include "onnx_graph/onnx_graph.h"
#include "pipeline/representative_data.h"
#include "report/export_report.h"
#include "write/atomic_file.h"

namespace calib8 {

/// Where the files of an export go.
struct OutputPaths {
  std::filesystem::path onnx, tflite, metadata;
  std::optional<std::filesystem::path> plan;
};

/// Fails with ErrorCode::usage where an output is one of the samples, or any file in their folder that isn't
/// what calib8 wrote earlier.
void keep_apart(std::span<const std::filesystem::path> outputs, const RepresentativeData& data);

/// The files of an export: written while it runs, beside their places, and put there together at its end.
/// Without commit() all of the earlier ones stay.
///
/// Fails with ErrorCode::usage where one of them is a file that is read, or two are one file, be it by links;
/// and with ErrorCode::output where one can't be written.
class OutputFiles {
 public:
  explicit OutputFiles(const ExportOptions& options);

  const OutputPaths& paths() const { return paths_; }

  /// No output is this file, which is read as `what`: "the model".
  void keep_apart_from(const std::filesystem::path& input, const std::string& what) const;
  void keep_apart_from(const RepresentativeData& data) const;

  /// May run beside the others.
  WrittenFile write_onnx(const OnnxGraph& graph);
  WrittenFile write_tflite(ByteView bytes, const std::string& type);
  void write_plan(const std::string& text);
  void write_metadata(const Report& report);

  /// Where the bytes of model.onnx are before the commit.
  const std::filesystem::path& uncommitted_onnx() const { return onnx_->temporary(); }

  void commit();

 private:
  OutputPaths paths_;
  std::optional<AtomicFile> onnx_, tflite_, metadata_, plan_;
};

}  // namespace calib8
