#include "pipeline/readers/onnx_metadata.h"

#include <optional>

#include "base/text.h"
#include "pipeline/readers/class_names.h"
#include "pipeline/readers/ultralytics.h"
#include "simplify/signature.h"

namespace calib8 {
namespace {

/// What the file's metadata say, as the config of a checkpoint does; values that are no literals as text.
nlohmann::json config_of(const std::map<std::string, std::string>& metadata) {
  nlohmann::json config = nlohmann::json::object();
  for (const auto& [key, value] : metadata)
    config[valid_utf8(key)] = parse_literal(value).value_or(nlohmann::json(valid_utf8(value)));
  return config;
}

/// The size that the metadata name, for a model that leaves it open.
std::optional<std::pair<std::int64_t, std::int64_t>> declared_size(const nlohmann::json& config) {
  const auto size = config.find("imgsz");
  if (size == config.end()) return std::nullopt;
  const auto plausible = [](const nlohmann::json& value) {
    return value.is_number_integer() && value.get<std::int64_t>() >= 1 && value.get<std::int64_t>() <= 16384;
  };
  if (plausible(*size)) return std::pair(size->get<std::int64_t>(), size->get<std::int64_t>());
  if (!size->is_array() || size->size() != 2 || !plausible((*size)[0]) || !plausible((*size)[1]))
    return std::nullopt;
  return std::pair((*size)[0].get<std::int64_t>(), (*size)[1].get<std::int64_t>());
}

bool leaves_size_open(const OnnxGraph& graph) {
  const auto inputs = graph.inputs();
  if (inputs.size() != 1 || !graph[inputs[0]].type || !graph[inputs[0]].type->shape) return false;
  const std::vector<Dimension>& shape = *graph[inputs[0]].type->shape;
  return shape.size() == 4 && (shape[2].size < 0 || shape[3].size < 0);
}

}  // namespace

void take_metadata(const std::map<std::string, std::string>& metadata, Source& source) {
  source.description.config = config_of(metadata);
  source.description.config_from = "the file's metadata";
  source.description.class_names = class_names_in(source.description.config);
  take_ultralytics(source);
}

void set_size(OnnxGraph& graph, const ExportOptions& options, Source& source) {
  const nlohmann::json& config = source.description.config;
  const auto stride = config.find("stride");
  if (options.input_size) {
    set_input_size(graph, options.input_size->first, options.input_size->second);
    const std::int64_t step =
        stride != config.end() && stride->is_number_integer() ? stride->get<std::int64_t>() : 1;
    if (step > 1 && (options.input_size->first % step != 0 || options.input_size->second % step != 0)) {
      source.description.notes.push_back("--input-size is no multiple of " + std::to_string(step) +
                                         ", the stride that the file's metadata name");
    }
    return;
  }
  const auto declared = leaves_size_open(graph) ? declared_size(config) : std::nullopt;
  if (!declared) return;
  set_input_size(graph, declared->first, declared->second);
  source.description.notes.push_back("the input size is " + std::to_string(declared->first) + "x" +
                                     std::to_string(declared->second) +
                                     ", from the file's metadata (imgsz); --input-size sets another");
}

}  // namespace calib8
