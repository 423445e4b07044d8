#include "read/modules/module_checkpoint.h"

#include "base/text.h"
#include "read/checkpoint_search.h"
#include "read/pickled_objects.h"
#include "read/plain_values.h"

namespace calib8 {
namespace {

/// Ultralytics' and others' arguments of the training, which may hold lists.
void take_arguments(const CheckpointSource& source, Checkpoint& checkpoint, const std::string& where) {
  const auto outermost = entries_in(source.pickle, source.pickle.root);
  const auto found = outermost ? value_under(source.pickle, *outermost, "train_args") : std::nullopt;
  if (!found) return;
  if (auto value = PlainValueReader(source.pickle, where).read(*found))
    checkpoint.outermost["train_args"] = *std::move(value);
}

/// What every torch.nn.Module has and says nothing.
bool is_every_modules(std::string_view attribute) {
  return attribute.starts_with('_') || attribute == "training";
}

}  // namespace

Checkpoint describe_module(const CheckpointSource& source, const FoundModule& found, const ModuleTree& tree) {
  Checkpoint checkpoint;
  checkpoint.found_at = found.path;
  checkpoint.config = find_config(source.pickle, {found.module, found.path, {}, false}, tree.where());
  checkpoint.outermost = find_outermost_values(source.pickle, tree.where());
  take_arguments(source, checkpoint, tree.where());
  if (!checkpoint.config.is_object()) checkpoint.config = nlohmann::json::object();
  PlainValueReader reader(source.pickle, tree.where());
  for (const auto& [name, id] : tree.root().attributes()) {
    if (is_every_modules(name)) continue;
    if (auto value = reader.read(id); value && !checkpoint.config.contains(valid_utf8(name)))
      checkpoint.config[valid_utf8(name)] = *std::move(value);
  }
  if (!found.others.empty() && !found.is_wanted) {
    std::string others;
    for (const std::string& other : found.others) others += (others.empty() ? "" : ", ") + other;
    checkpoint.notes.push_back("the checkpoint holds several modules: '" + found.path + "' is used, not " +
                               others + "; choose with --state-dict");
  }
  return checkpoint;
}

}  // namespace calib8
