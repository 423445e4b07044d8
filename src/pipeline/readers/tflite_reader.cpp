#include "pipeline/readers/model_readers.h"
#include "read/tflite.h"
#include "read/tflite_float.h"
#include "report/inspect.h"

namespace calib8 {
namespace {

Source read(const Data& file, const ExportOptions& options) {
  const std::string where = options.model.string();
  TfliteGraph graph = read_tflite(file, where);
  convert_to_float32(graph, where);
  return {std::move(graph), {.kind = "tflite"}, {}};
}

std::string inspect_tflite(const Data& file, const std::filesystem::path& path, bool as_json) {
  const TfliteOutline outline = read_tflite_outline(file, path.string());
  if (!outline.is_supported()) return as_json ? printed(inspect_json(outline)) : inspect_text(outline);
  const TfliteGraph graph = read_tflite(file, path.string());
  return as_json ? printed(inspect_json(graph)) : inspect_text(graph);
}

}  // namespace

const ModelReader tflite_reader = {"a .tflite file", looks_like_tflite, read, inspect_tflite};

}  // namespace calib8
