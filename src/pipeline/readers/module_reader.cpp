#include "pipeline/readers/module_reader.h"

#include <fmt/format.h>

#include "calib8/error.h"
#include "pipeline/readers/class_names.h"
#include "pipeline/readers/input_size.h"
#include "pipeline/readers/ultralytics.h"
#include "read/modules/build_module.h"
#include "read/modules/module_checkpoint.h"

namespace calib8 {
namespace {

void check_flags(const ExportOptions& options, const FoundModule& found) {
  const auto refuse = [](const char* flag) {
    throw Error(ErrorCode::usage,
                "is for weights alone, and the file holds the model's classes, too: leave it out", flag);
  };
  if (options.architecture) refuse("--arch");
  if (options.head_activation) refuse("--head-activation");
  if (!options.state_dict || found.is_wanted) return;
  std::string there = found.path.empty() ? "only the file itself" : "'" + found.path + "'";
  for (const std::string& other : found.others) there += ", '" + other + "'";
  throw Error(ErrorCode::model,
              fmt::format("--state-dict names '{}', which is no module in the file: there is {}",
                          *options.state_dict, there),
              options.model.string());
}

/// The classes of a classifier; 0 for other models.
std::int64_t num_classes(const OnnxGraph& graph) {
  if (graph.outputs().size() != 1) return 0;
  const auto& type = graph[graph.outputs().front()].type;
  if (!type || !type->is_static() || type->static_shape().size() != 2) return 0;
  return type->static_shape()[1];
}

void check_classes(std::int64_t found, const ExportOptions& options) {
  if (!options.num_classes || *options.num_classes == found) return;
  throw Error(
      ErrorCode::model,
      fmt::format("--num-classes says {} classes, but the model {}", *options.num_classes,
                  found == 0 ? std::string("is no classifier") : fmt::format("has {} outputs", found)),
      options.model.string());
}

void take_description(Source& source, Checkpoint described, const std::string& class_name) {
  name_ultralytics(described.config, described.outermost, class_name);
  source.description.config = std::move(described.config);
  source.description.class_names = class_names_in(source.description.config);
  if (source.description.class_names.empty())
    source.description.class_names = class_names_in(described.outermost);
  if (!source.description.class_names.empty()) source.description.class_names_from = "the checkpoint";
  for (std::string& note : described.notes) source.description.notes.push_back(std::move(note));
  take_ultralytics(source);
}

}  // namespace

Source read_module(const CheckpointSource& opened, const FoundModule& found, std::size_t file_size,
                   const ExportOptions& options) {
  check_flags(options, found);
  const std::string where = options.model.string();
  const ModuleTree tree(opened, found.module, file_size, where);
  Source source;
  source.description.kind = "checkpoint";
  take_description(source, describe_module(opened, found, tree), tree.root().class_name());
  const nlohmann::json& config = source.description.config;
  const auto [size, size_from] =
      input_size(options, config, {source.description.config_from, source.description.config_from},
                 default_size(ultralytics_size(config)));
  BuiltModule built = build_module(tree, size.first, size.second);
  const std::int64_t classes = num_classes(built.graph);
  check_classes(classes, options);
  if (built.input.takes_image)
    source.description.rebuilt = {
        tree.root().class_name(), "the classes of its modules", built.last_layer, classes, size, size_from};
  source.graph = std::move(built.graph);
  return source;
}

Checkpoint read_module_to_inspect(const CheckpointSource& opened, const FoundModule& found,
                                  std::size_t file_size, const std::string& where) {
  const ModuleTree tree(opened, found.module, file_size, where);
  Checkpoint checkpoint = describe_module(opened, found, tree);
  name_ultralytics(checkpoint.config, checkpoint.outermost, tree.root().class_name());
  checkpoint.tensors = tree.state_dict();
  checkpoint.notes.push_back("its class is " + tree.root().class_name());
  return checkpoint;
}

}  // namespace calib8
