#include <tuple>

#include "base/text.h"
#include "pipeline/preprocessing_choice.h"
#include "pipeline/readers/class_names.h"
#include "pipeline/readers/model_readers.h"
#include "read/architectures/rebuild.h"
#include "read/checkpoint.h"
#include "read/checkpoint_description.h"
#include "report/table.h"

namespace calib8 {
namespace {

using InputSize = std::pair<std::int64_t, std::int64_t>;

/// An image size that a checkpoint's config names: a number, or [height, width].
std::optional<std::pair<std::int64_t, std::int64_t>> configured_size(const nlohmann::json& config) {
  // torchvision's reference scripts keep their arguments: val_crop_size is what they evaluate at.
  for (const char* key : {"input_size", "image_size", "img_size", "imgsz", "val_crop_size"}) {
    if (!config.is_object() || !config.contains(key)) continue;
    const nlohmann::json& size = config[key];
    const auto plausible = [](const nlohmann::json& value) {
      return value.is_number_integer() && value.get<std::int64_t>() >= 1 &&
             value.get<std::int64_t>() <= 16384;
    };
    if (plausible(size)) return std::pair(size.get<std::int64_t>(), size.get<std::int64_t>());
    if (size.is_array() && size.size() >= 2 && plausible(size[size.size() - 2]) &&
        plausible(size[size.size() - 1])) {
      return std::pair(size[size.size() - 2].get<std::int64_t>(), size[size.size() - 1].get<std::int64_t>());
    }
  }
  return std::nullopt;
}

/// The size that the network is built for, and what said so.
std::pair<InputSize, const char*> input_size(const ExportOptions& options, const nlohmann::json& config) {
  if (options.input_size) return {*options.input_size, "--input-size"};
  if (const auto declared = declared_input_size(options, config)) return {declared->size, declared->from};
  if (const auto configured = configured_size(config)) return {*configured, "the checkpoint's config"};
  return {{224, 224}, "the default"};
}

RebuiltModel rebuild(const Checkpoint& checkpoint, const RebuildRequest& request, const std::string& where) {
  try {
    return rebuild_model(checkpoint, request);
  } catch (const Error& error) {
    throw Error(error.code(), error.message(), error.where().empty() ? where : error.where());
  }
}

Source read(const Data& file, const ExportOptions& options) {
  const Checkpoint checkpoint =
      read_checkpoint(file, options.model.string(), options.state_dict.value_or(""));
  const auto [size, size_from] = input_size(options, checkpoint.config);
  RebuildRequest request;
  request.architecture = options.architecture;
  request.head_activation = options.head_activation;
  request.num_classes = options.num_classes;
  request.dynamic_batch = options.dynamic_batch;
  std::tie(request.height, request.width) = size;
  RebuiltModel rebuilt = rebuild(checkpoint, request, options.model.string());
  Source source{std::move(rebuilt.graph), {.kind = "checkpoint"}, {}};
  source.description.rebuilt = {
      rebuilt.architecture, rebuilt.recognized_by, rebuilt.head, rebuilt.num_classes, size, size_from};
  source.description.config = checkpoint.config;
  source.description.class_names = class_names_in(checkpoint.config);
  if (source.description.class_names.empty())
    source.description.class_names = class_names_in(checkpoint.outermost);
  source.description.notes = checkpoint.notes;
  for (std::string& note : rebuilt.notes) source.description.notes.push_back(std::move(note));
  return source;
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
  for (const std::string& note : checkpoint.notes) text += "  " + one_line(note) + "\n";
  text += to_text(table);
  if (!checkpoint.config.empty()) {
    text += "config " + checkpoint.config.dump(1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
  }
  return text;
}

std::string inspect_checkpoint(const Data& file, const std::filesystem::path& path, bool as_json) {
  const Checkpoint checkpoint = read_checkpoint(file, path.string());
  return as_json ? printed(describe_checkpoint(checkpoint)) : checkpoint_text(checkpoint);
}

}  // namespace

const ModelReader checkpoint_reader = {"a checkpoint", [](ByteView) { return true; }, read,
                                       inspect_checkpoint, true};

}  // namespace calib8
