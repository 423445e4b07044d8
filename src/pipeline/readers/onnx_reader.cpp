#include "pipeline/readers/model_readers.h"
#include "read/onnx.h"
#include "report/inspect.h"
#include "simplify/signature.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

Source read(const Data& file, const ExportOptions& options) {
  Source source;
  source.description.kind = "onnx";
  std::map<std::string, Data> external_files;
  const fs::path folder = folder_of(options.model);
  OnnxGraph graph = read_onnx(file, options.model.string(), folder, &external_files);
  for (const auto& [location, data] : external_files) {
    source.description.external_files.push_back({location, data.size(), sha256(data.bytes())});
    source.other_files.push_back(folder / location);
    source.files.push_back(data);
  }
  if (options.input_size) set_input_size(graph, options.input_size->first, options.input_size->second);
  if (!options.dynamic_batch) {
    fix_batch(graph, 1);
    require_static_inputs(graph);
  }
  source.graph = std::move(graph);
  return source;
}

std::string inspect_onnx(const Data& file, const fs::path& path, bool as_json) {
  const OnnxGraph graph = read_onnx(file, path.string(), folder_of(path));
  return as_json ? printed(inspect_json(graph)) : inspect_text(graph);
}

}  // namespace

const ModelReader onnx_reader = {"an ONNX file", looks_like_onnx, read, inspect_onnx};

}  // namespace calib8
