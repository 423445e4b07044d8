#include "read/checkpoint.h"

#include <algorithm>

#include "base/text.h"
#include "calib8/error.h"
#include "container/byte_cursor.h"
#include "read/checkpoint_globals.h"
#include "read/checkpoint_search.h"
#include "read/checkpoint_source.h"
#include "read/checkpoint_tensors.h"
#include "read/foreign_format.h"
#include "read/network_names.h"
#include "read/pickled_objects.h"
#include "read/wrapper_prefix.h"

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

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > most ? text + " and " + std::to_string(names.size() - most) + " more" : text;
}

void note_choice(const FoundStateDict& found, const std::vector<std::string>& foreign,
                 const NetworkNames& network, std::vector<std::string>& notes) {
  if (!found.others.empty() && !found.is_wanted) {
    notes.push_back("the checkpoint holds several state_dicts: '" + found.path + "' is used, not " +
                    listed(found.others) + "; choose with --state-dict");
  }
  if (!network.twins.empty()) {
    notes.push_back("the state_dict holds several networks: '" +
                    network.prefix.substr(0, network.prefix.size() - 1) + "' is used, not " +
                    listed(network.twins) + "; choose with --state-dict");
  }
  if (!network.left_out.empty())
    notes.push_back("tensors of losses and metrics are left out: " + listed(network.left_out));
  if (!foreign.empty()) notes.push_back("objects beside the weights are left unread: " + listed(foreign));
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
  const NetworkNames network = choose_network(names, beginning);
  if (!beginning.empty() && network.kept.empty()) refuse_wanted(*found, names, beginning, where);
  note_choice(*found, source.foreign, network, checkpoint.notes);
  names.clear();
  for (const std::size_t index : network.kept)
    names.push_back(tensors[index].name.substr(network.prefix.size()));
  checkpoint.prefix = network.prefix + strip_wrapper_prefixes(names);
  TensorBuilder builder(source.pickle, source.storages, file_size, where);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const PickledTensor& tensor = tensors[network.kept[i]];
    if (!checkpoint.tensors.add(names[i], builder.build(tensor.id, tensor.name)))
      throw Error(ErrorCode::model,
                  "tensor " + printable(tensor.name) + " occurs twice: the file is damaged, get it anew",
                  where);
  }
  return checkpoint;
}

Checkpoint read_checkpoint(const std::filesystem::path& path, const std::string& state_dict) {
  return read_checkpoint(map_file(path), path.string(), state_dict);
}

}  // namespace calib8
