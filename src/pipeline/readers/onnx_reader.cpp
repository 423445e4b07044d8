#include <optional>

#include "pipeline/readers/model_readers.h"
#include "pipeline/readers/onnx_metadata.h"
#include "read/onnx/onnx.h"
#include "report/inspect.h"
#include "simplify/signature.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

constexpr const char* quantized_already =
    "the file is quantized already: it is read as the real numbers that it stands for, and quantized anew; "
    "the "
    "float model that it was made of would lose less";

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// The first type of real numbers other than float32 that the graph holds or takes in; nothing where there is
/// none.
std::optional<DType> other_float(const OnnxGraph& graph) {
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    const OnnxValue& value = graph[graph.value_at(i)];
    const bool is_known = value.constant || value.type;
    const DType dtype = value.constant ? value.constant->dtype : value.type.value_or(OnnxType{}).dtype;
    if (is_known && is_floating(dtype) && dtype != DType::float32) return dtype;
  }
  return std::nullopt;
}

Source read(const Data& file, const ExportOptions& options) {
  Source source;
  source.description.kind = "onnx";
  OnnxFileParts parts;
  const fs::path folder = folder_of(options.model);
  OnnxGraph graph = read_onnx(file, options.model.string(), folder, &parts);
  note_other_float(other_float(graph), options);
  if (parts.quantized_operators > 0) source.description.notes.emplace_back(quantized_already);
  for (const auto& [location, data] : parts.external_files) {
    source.description.external_files.push_back({location, data.size(), sha256(data.bytes())});
    source.other_files.push_back(folder / location);
    source.files.push_back(data);
  }
  take_metadata(parts.metadata, source);
  take_input_shapes(graph, options);
  take_input_values(graph, options, source);
  set_size(graph, options, source);
  if (!options.dynamic_batch) {
    fix_batch(graph, 1);
    require_static_inputs(graph);
  }
  source.graph = std::move(graph);
  return source;
}

std::string inspect_onnx(const Data& file, const fs::path& path, bool as_json) {
  std::vector<std::string> refusals;
  const OnnxGraph graph = read_onnx_to_inspect(file, path.string(), folder_of(path), refusals);
  if (refusals.empty()) refusals = refusals_of_lowering(graph);
  return as_json ? printed(inspect_json(graph, refusals)) : inspect_text(graph, refusals);
}

}  // namespace

const ModelReader onnx_reader = {"an ONNX file", looks_like_onnx, read, inspect_onnx, false, true};

}  // namespace calib8
