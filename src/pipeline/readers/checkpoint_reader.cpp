#include <tuple>

#include "base/text.h"
#include "pipeline/readers/class_names.h"
#include "pipeline/readers/input_size.h"
#include "pipeline/readers/model_readers.h"
#include "pipeline/readers/module_reader.h"
#include "read/architectures/rebuild.h"
#include "read/checkpoint.h"
#include "read/checkpoint_description.h"
#include "report/table.h"

namespace calib8 {
namespace {

RebuiltModel rebuild(const Checkpoint& checkpoint, const RebuildRequest& request, const std::string& where) {
  try {
    return rebuild_model(checkpoint, request);
  } catch (const Error& error) {
    throw Error(error.code(), error.message(), error.where().empty() ? where : error.where());
  }
}

Source read(const Data& file, const ExportOptions& options) {
  const std::string where = options.model.string(), wanted = options.state_dict.value_or("");
  const CheckpointSource opened = open_checkpoint(file, where);
  if (const auto module = find_module(opened.pickle, wanted))
    return read_module(opened, *module, file.size(), options);
  const Checkpoint checkpoint = read_checkpoint(opened, file.size(), where, wanted);
  const auto [size, size_from] = input_size(options, checkpoint.config);
  RebuildRequest request;
  request.architecture = options.architecture;
  request.head_activation = options.head_activation;
  request.num_classes = options.num_classes;
  request.dynamic_batch = options.dynamic_batch;
  std::tie(request.height, request.width) = size;
  RebuiltModel rebuilt = rebuild(checkpoint, request, where);
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
std::string checkpoint_text(const Checkpoint& checkpoint, const std::string& what) {
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
  const CheckpointSource opened = open_checkpoint(file, path.string());
  const auto module = find_module(opened.pickle);
  const Checkpoint checkpoint = module ? read_module_to_inspect(opened, *module, file.size(), path.string())
                                       : read_checkpoint(opened, file.size(), path.string());
  return as_json ? printed(describe_checkpoint(checkpoint))
                 : checkpoint_text(checkpoint, module ? "pickled module" : "state_dict");
}

}  // namespace

const ModelReader checkpoint_reader = {"a checkpoint", [](ByteView) { return true; }, read,
                                       inspect_checkpoint, true};

}  // namespace calib8
