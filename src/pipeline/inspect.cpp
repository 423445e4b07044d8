#include "calib8/inspect.h"

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "read/checkpoint.h"
#include "read/checkpoint_description.h"
#include "read/onnx.h"
#include "read/tflite.h"
#include "report/inspect.h"
#include "report/summary.h"
#include "report/table.h"

namespace calib8 {
namespace {

std::string printed(const nlohmann::ordered_json& json) {
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

bool looks_like_json(ByteView bytes) {
  return static_cast<char>(bytes.front()) == '{';
}

nlohmann::json read_metadata(const Data& file, const std::string& where) {
  const auto* text = reinterpret_cast<const char*>(file.bytes().data());
  nlohmann::json metadata = nlohmann::json::parse(text, text + file.size(), nullptr, false);
  if (metadata.is_discarded() || !metadata.is_object() || !metadata.contains("schema_version")) {
    throw Error(ErrorCode::model, "is JSON, but not the metadata that calib8 writes", where);
  }
  return metadata;
}

/// The tensors as a table, the config as JSON behind it.
std::string checkpoint_text(const Checkpoint& checkpoint) {
  Table table{{{"tensor"}, {"type"}, {"shape"}, {"size", true}}, {}};
  std::uint64_t bytes = 0;
  for (const NamedTensor& entry : checkpoint.tensors) {
    bytes += entry.tensor.data.size();
    table.rows.push_back({escaped(entry.name), std::string(name_of(entry.tensor.dtype)),
                          to_string(entry.tensor.shape), bytes_text(entry.tensor.data.size())});
  }
  const std::string found = checkpoint.found_at.empty()
                                ? "a state_dict"
                                : "the state_dict at '" + escaped(checkpoint.found_at) + "'";
  std::string text = "PyTorch checkpoint: " + found + ", " + std::to_string(checkpoint.tensors.size()) +
                     " tensors, " + bytes_text(bytes) + "\n";
  if (!checkpoint.prefix.empty())
    text += "  names are shown without their prefix '" + escaped(checkpoint.prefix) + "'\n";
  text += to_text(table);
  if (!checkpoint.config.empty()) {
    text += "config " + checkpoint.config.dump(1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
  }
  return text;
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
  return as_json ? printed(describe_checkpoint(checkpoint)) : checkpoint_text(checkpoint);
}

}  // namespace calib8
