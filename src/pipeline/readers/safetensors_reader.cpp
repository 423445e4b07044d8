#include "pipeline/readers/class_names.h"
#include "pipeline/readers/model_readers.h"
#include "pipeline/readers/rebuilt_source.h"
#include "read/checkpoint_description.h"
#include "read/weights/safetensors.h"

namespace calib8 {
namespace {

/// The file's metadata as the config of a checkpoint: texts, which may be literals. "format" says which
/// framework's tensors they were, "pt".
nlohmann::json config_of(const std::map<std::string, std::string>& metadata) {
  nlohmann::json config = nlohmann::json::object();
  for (const auto& [key, value] : metadata) {
    if (key != "format") config[key] = parse_literal(value).value_or(nlohmann::json(value));
  }
  return config;
}

Checkpoint checkpoint_in(const Data& file, const std::string& where, const std::string& state_dict) {
  Safetensors read = read_safetensors(file, where);
  nlohmann::json config = config_of(read.metadata);
  Checkpoint checkpoint = checkpoint_of_safetensors(std::move(read), where, state_dict);
  checkpoint.config = std::move(config);
  checkpoint.config_from = "the file's metadata";
  return checkpoint;
}

Source read(const Data& file, const ExportOptions& options) {
  return rebuilt_source(checkpoint_in(file, options.model.string(), options.state_dict.value_or("")),
                        options);
}

std::string inspect_safetensors(const Data& file, const std::filesystem::path& path, bool as_json) {
  const Checkpoint checkpoint = checkpoint_in(file, path.string(), {});
  return as_json ? printed(describe_checkpoint(checkpoint)) : weights_text(checkpoint, "safetensors");
}

}  // namespace

const ModelReader safetensors_reader = {"a safetensors file", looks_like_safetensors, read,
                                        inspect_safetensors, true};

}  // namespace calib8
