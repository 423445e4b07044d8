#include "pipeline/readers/rebuilt_source.h"

#include <tuple>

#include "base/text.h"
#include "pipeline/readers/class_names.h"
#include "pipeline/readers/input_size.h"
#include "read/architectures/match.h"
#include "read/architectures/rebuild.h"
#include "read/architectures/transformers_names.h"
#include "read/weights/model_folder.h"
#include "report/table.h"

namespace calib8 {
namespace {

/// What the weights themselves say, or else the default.
NamedSize size_without_config(const StateDict& tensors) {
  const auto side = side_of_position_embedding(tensors);
  return side ? NamedSize{{*side, *side}, "its position embedding"} : default_size();
}

/// The class of transformers that a config.json names: "ResNetForImageClassification".
std::string transformers_class(const nlohmann::json& config) {
  const auto classes = config.find("architectures");
  const bool named =
      classes != config.end() && classes->is_array() && !classes->empty() && (*classes)[0].is_string();
  return named ? (*classes)[0].get<std::string>() : std::string();
}

RebuiltModel rebuild(Checkpoint& checkpoint, const RebuildRequest& request, const std::string& where) {
  try {
    take_transformers_names(checkpoint);
    return rebuild_model(checkpoint, request);
  } catch (const Error& error) {
    const std::string name = transformers_class(checkpoint.config);
    const bool is_known = name.empty() || error.code() != ErrorCode::model;
    throw Error(error.code(),
                (is_known ? "" : "the model is " + printable(name) + " of transformers: ") + error.message(),
                error.where().empty() ? where : error.where());
  }
}

/// Puts what a folder says in place of what the file says.
FolderDescription describe_by_folder(Checkpoint& checkpoint, const std::filesystem::path& file) {
  FolderDescription folder = read_folder_description(file);
  if (folder.files.empty()) return folder;
  checkpoint.config = folder.config;
  checkpoint.config_from = folder.files.front().first.filename().string();
  return folder;
}

/// "LABEL_0", "LABEL_1", ...: what transformers writes where nobody named the classes.
bool are_placeholders(const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != "LABEL_" + std::to_string(i)) return false;
  }
  return true;
}

void name_classes(const Checkpoint& checkpoint, const FolderDescription& folder, ModelDescription& model) {
  const auto found = [&](const nlohmann::json& values, const std::string& from) {
    std::vector<std::string> names = class_names_in(values);
    if (names.empty() || are_placeholders(names)) return false;
    model.class_names = std::move(names);
    model.class_names_from = from;
    return true;
  };
  if (found(checkpoint.config, checkpoint.config_from)) return;
  for (const char* key : {"pretrained_cfg", "default_cfg"}) {
    if (checkpoint.config.contains(key) &&
        found(checkpoint.config[key],
              folder.images_from.empty() ? checkpoint.config_from : folder.images_from))
      return;
  }
  found(checkpoint.outermost, "the checkpoint");
}

}  // namespace

Source rebuilt_source(Checkpoint checkpoint, const ExportOptions& options) {
  const FolderDescription folder = describe_by_folder(checkpoint, options.model);
  const std::string images_from = folder.images_from.empty() ? checkpoint.config_from : folder.images_from;
  const auto [size, size_from] = input_size(options, checkpoint.config, {checkpoint.config_from, images_from},
                                            size_without_config(checkpoint.tensors));
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
  name_classes(checkpoint, folder, source.description);
  source.description.config = std::move(checkpoint.config);
  source.description.config_from = images_from;
  source.description.notes = std::move(checkpoint.notes);
  for (std::string& note : rebuilt.notes) source.description.notes.push_back(std::move(note));
  for (const auto& [path, data] : folder.files) {
    source.other_files.push_back(path);
    source.files.push_back(data);
  }
  return source;
}

std::string weights_text(const Checkpoint& checkpoint, const std::string& title, const std::string& what) {
  Table table{{{"tensor"}, {"type"}, {"shape"}, {"size", true}}, {}};
  std::uint64_t bytes = 0;
  for (const NamedTensor& entry : checkpoint.tensors) {
    bytes += entry.tensor.data.size();
    table.rows.push_back({escaped(entry.name), std::string(name_of(entry.tensor.dtype)),
                          to_string(entry.tensor.shape), bytes_text(entry.tensor.data.size())});
  }
  const std::string found = checkpoint.found_at.empty()
                                ? "a " + what
                                : "the " + what + " at '" + escaped(checkpoint.found_at) + "'";
  std::string text = title + ": " + found + ", " + std::to_string(checkpoint.tensors.size()) + " tensors, " +
                     bytes_text(bytes) + "\n";
  if (!checkpoint.prefix.empty())
    text += "  names are shown without their prefix '" + escaped(checkpoint.prefix) + "'\n";
  for (const std::string& note : checkpoint.notes) text += "  " + one_line(note) + "\n";
  text += to_text(table);
  if (!checkpoint.config.empty()) {
    text += "config " + checkpoint.config.dump(1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
  }
  return text;
}

}  // namespace calib8
