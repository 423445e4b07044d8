#include "read/checkpoint.h"

#include <algorithm>

#include "base/text.h"
#include "calib8/error.h"
#include "container/byte_cursor.h"
#include "read/checkpoint_globals.h"
#include "read/checkpoint_search.h"
#include "read/checkpoint_source.h"
#include "read/checkpoint_tensors.h"
#include "read/chosen_tensors.h"
#include "read/foreign_format.h"
#include "read/pickled_objects.h"

namespace calib8 {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view zip_signature = "PK\x03\x04"sv;

}  // namespace

Pickle read_checkpoint_pickle(const Data& bytes, const std::string& where,
                              std::vector<std::string>& foreign) {
  const auto check = [&](std::string_view module, std::string_view name) {
    if (kind_of_global(module, name, where) == GlobalKind::known) return;
    std::string whole = std::string(module) + "." + std::string(name);
    constexpr std::size_t most_kept = 1000;
    if (foreign.size() < most_kept && std::ranges::find(foreign, whole) == foreign.end())
      foreign.push_back(std::move(whole));
  };
  return read_pickle(bytes, check, where);
}

CheckpointSource open_checkpoint(const Data& data, const std::string& where) {
  const std::string_view text = text_of(data.bytes());
  if (text.starts_with(zip_signature)) return open_zip_checkpoint(data, where);
  if (is_legacy_checkpoint(data.bytes())) return open_legacy_checkpoint(data, where);
  throw Error(
      ErrorCode::model,
      advice_for_foreign_format(data.bytes())
          .value_or(
              "the file is no checkpoint of PyTorch: save one with torch.save(model.state_dict(), path)"),
      where);
}

namespace {

struct PickledTensor {
  std::string name;
  PickleId id{};
};

std::vector<PickledTensor> tensors_in(const Pickle& pickle, PickleId dict, const std::string& where) {
  std::vector<PickledTensor> tensors;
  const auto entries = entries_in(pickle, dict);
  for (const auto& [key, value] : *entries) {
    const auto name = string_in(pickle, key);
    if (!name || !is_pickled_tensor(pickle, value)) continue;
    if (valid_utf8(*name) != *name)
      throw Error(ErrorCode::model, "a tensor's name is not UTF-8: the file is damaged, get it anew", where);
    tensors.push_back({std::string(*name), value});
  }
  return tensors;
}

std::string note_of_choice(const FoundStateDict& found) {
  return "the checkpoint holds several state_dicts: '" + found.path + "' is used, not " +
         listed(found.others) + "; choose with --state-dict";
}

[[noreturn]] void refuse_wanted(const FoundStateDict& found, const std::vector<std::string>& names,
                                const std::string& wanted, const std::string& where) {
  std::vector<std::string> there = found.others;
  there.insert(there.begin(), found.path.empty() ? "the file itself" : found.path);
  throw Error(ErrorCode::model,
              "--state-dict names " + printable(wanted) +
                  ", which is neither a key to a state_dict (there are " + listed(there) +
                  ") nor what names in '" + found.path + "' begin with (the first is " +
                  printable(names.empty() ? "" : names.front()) + ")",
              where);
}

}  // namespace

bool looks_like_checkpoint(ByteView bytes) {
  const std::string_view text = text_of(bytes);
  return text.starts_with(zip_signature) || is_legacy_checkpoint(bytes) ||
         (text.size() > 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5);
}

Checkpoint read_checkpoint(Data data, const std::string& where, const std::string& state_dict) {
  return read_checkpoint(open_checkpoint(data, where), data.size(), where, state_dict);
}

Checkpoint read_checkpoint(const CheckpointSource& source, std::size_t file_size, const std::string& where,
                           const std::string& state_dict) {
  const auto found = find_state_dict(source.pickle, state_dict);
  if (!found && !source.foreign.empty()) refuse_foreign(source.foreign, source.pickle.source.bytes(), where);
  if (!found)
    throw Error(ErrorCode::model,
                "the file holds " + std::string(describe_kind(source.pickle[source.pickle.root])) +
                    " and no state_dict (a dict of tensors): save torch.save(model.state_dict(), path)",
                where);
  Checkpoint checkpoint;
  checkpoint.found_at = found->path;
  checkpoint.config = find_config(source.pickle, *found, where);
  checkpoint.outermost = find_outermost_values(source.pickle, where);
  const std::vector<PickledTensor> tensors = tensors_in(source.pickle, found->dict, where);
  std::vector<std::string> names;
  for (const PickledTensor& tensor : tensors) names.push_back(tensor.name);
  const std::string beginning = found->is_wanted ? std::string() : state_dict;
  const ChosenTensors chosen = choose_tensors(names, beginning);
  if (!beginning.empty() && chosen.indices.empty()) refuse_wanted(*found, names, beginning, where);
  if (!found->others.empty() && !found->is_wanted) checkpoint.notes.push_back(note_of_choice(*found));
  checkpoint.notes.insert(checkpoint.notes.end(), chosen.notes.begin(), chosen.notes.end());
  if (!source.foreign.empty())
    checkpoint.notes.push_back("objects beside the weights are left unread: " + listed(source.foreign));
  checkpoint.prefix = chosen.prefix;
  TensorBuilder builder(source.pickle, source.storages, file_size, where);
  for (std::size_t i = 0; i < chosen.names.size(); ++i) {
    const PickledTensor& tensor = tensors[chosen.indices[i]];
    if (!checkpoint.tensors.add(chosen.names[i], builder.build(tensor.id, tensor.name)))
      throw Error(ErrorCode::model,
                  "tensor " + printable(tensor.name) + " occurs twice: the file is damaged, get it anew",
                  where);
  }
  return checkpoint;
}

std::vector<NamedTensor> read_bare_state_dict(const Data& data, const std::string& where) {
  const CheckpointSource source = open_checkpoint(data, where);
  if (!entries_in(source.pickle, source.pickle.root))
    throw Error(ErrorCode::model, "the file is no state_dict (a dict of tensors)", where);
  TensorBuilder builder(source.pickle, source.storages, data.size(), where);
  std::vector<NamedTensor> read;
  for (const PickledTensor& tensor : tensors_in(source.pickle, source.pickle.root, where))
    read.push_back({tensor.name, builder.build(tensor.id, tensor.name)});
  return read;
}

Checkpoint read_checkpoint(const std::filesystem::path& path, const std::string& state_dict) {
  return read_checkpoint(map_file(path), path.string(), state_dict);
}

}  // namespace calib8
