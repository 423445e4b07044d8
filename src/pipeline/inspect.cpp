#include "calib8/inspect.h"

#include <nlohmann/json.hpp>

#include "read/checkpoint.h"
#include "read/checkpoint_description.h"
#include "read/onnx.h"
#include "read/tflite.h"
#include "report/inspect.h"
#include "report/summary.h"

namespace calib8 {
namespace {

std::string printed(const nlohmann::ordered_json& json) {
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

bool looks_like_json(ByteView bytes) { return static_cast<char>(bytes.front()) == '{'; }

nlohmann::json read_metadata(const Data& file, const std::string& where) {
  const auto* text = reinterpret_cast<const char*>(file.bytes().data());
  nlohmann::json metadata = nlohmann::json::parse(text, text + file.size(), nullptr, false);
  if (metadata.is_discarded() || !metadata.is_object() || !metadata.contains("schema_version")) {
    throw Error(ErrorCode::model, "is JSON, but not the metadata that calib8 writes", where);
  }
  return metadata;
}

template <class Graph>
std::string inspect_graph(const Graph& graph, bool as_json) {
  return as_json ? printed(inspect_json(graph)) : inspect_text(graph);
}

}  // namespace

std::string inspect(const std::filesystem::path& path, bool as_json) {
  const Data file = map_file(path);
  const std::string where = path.string();
  if (looks_like_json(file.bytes())) {
    const nlohmann::json metadata = read_metadata(file, where);
    return as_json ? metadata.dump(1) + "\n" : summarize(metadata);
  }
  if (looks_like_tflite(file.bytes())) return inspect_graph(read_tflite(file, where), as_json);
  if (looks_like_onnx(file.bytes())) return inspect_graph(read_onnx(path), as_json);
  const Checkpoint checkpoint = read_checkpoint(file, where);
  return as_json ? printed(describe_checkpoint(checkpoint)) : describe_checkpoint_as_text(checkpoint);
}

}  // namespace calib8
