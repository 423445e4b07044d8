#include "pipeline/output_files.h"

#include <array>

#include "write/atomic_file.h"
#include "write/onnx.h"

namespace calib8 {
namespace {

nlohmann::json entry(const std::filesystem::path& path, std::uint64_t bytes, const std::string& hash,
                     const std::string& type) {
  return {{"path", path.string()}, {"bytes", bytes}, {"sha256", hash}, {"type", type}};
}

bool same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code ignored;  // a file that isn't there yet is not the same as one that is
  if (std::filesystem::equivalent(a, b, ignored)) return true;
  return std::filesystem::weakly_canonical(a, ignored) == std::filesystem::weakly_canonical(b, ignored);
}

}  // namespace

OutputPaths output_paths(const ExportOptions& options) {
  OutputPaths paths;
  paths.onnx = options.onnx_path.value_or(options.output_dir / "model.onnx");
  paths.tflite = options.tflite_path.value_or(options.output_dir / "model.tflite");
  paths.metadata = paths.tflite;
  paths.metadata += ".quantization_metadata";
  std::vector<std::filesystem::path> all = {paths.onnx, paths.tflite, paths.metadata};
  if (options.plan_out) all.push_back(*options.plan_out);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (same_file(all[i], options.model)) {
      throw Error(ErrorCode::usage, "would overwrite the model that is read; choose another --output-dir",
                  all[i].string());
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (same_file(all[i], all[j]))
        throw Error(ErrorCode::usage, "two outputs can't be the same file", all[i].string());
    }
  }
  return paths;
}

nlohmann::json write_onnx_file(const std::filesystem::path& path, const OnnxGraph& graph) {
  AtomicFile file(path);
  std::uint64_t bytes = 0;
  write_onnx(graph, [&](ByteView part) {
    file.write(part);
    bytes += part.size();
  });
  file.commit();
  return entry(path, bytes, file.sha256(), "float32");
}

nlohmann::json write_file(const std::filesystem::path& path, ByteView bytes, const std::string& type) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
  return entry(path, bytes.size(), file.sha256(), type);
}

void write_report(const std::filesystem::path& path, const Report& report) {
  AtomicFile file(path);
  report.write([&](std::string_view part) { file.write(std::as_bytes(std::span(part))); });
  file.commit();
}

}  // namespace calib8
