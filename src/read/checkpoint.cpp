#include "read/checkpoint.h"

#include "base/text.h"
#include "calib8/error.h"
#include "container/byte_cursor.h"
#include "read/checkpoint_search.h"
#include "read/checkpoint_source.h"
#include "read/checkpoint_tensors.h"
#include "read/foreign_format.h"
#include "read/pickled_objects.h"
#include "read/wrapper_prefix.h"

namespace calib8 {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view zip_signature = "PK\x03\x04"sv;

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

/// AveragedModel counts its updates in a tensor beside the model's own.
bool belongs_to_wrapper(std::string_view name) {
  return name == "n_averaged";
}

struct PickledTensor {
  std::string name;
  PickleId id{};
};

std::vector<PickledTensor> tensors_in(const Pickle& pickle, PickleId dict, const std::string& where) {
  std::vector<PickledTensor> tensors;
  const auto entries = entries_in(pickle, dict);
  for (const auto& [key, value] : *entries) {
    const auto name = string_in(pickle, key);
    if (!name || !is_pickled_tensor(pickle, value) || belongs_to_wrapper(*name)) continue;
    if (valid_utf8(*name) != *name)
      throw Error(ErrorCode::model, "a tensor's name is not UTF-8: the file is damaged, get it anew", where);
    tensors.push_back({std::string(*name), value});
  }
  return tensors;
}

}  // namespace

bool looks_like_checkpoint(ByteView bytes) {
  const std::string_view text = text_of(bytes);
  return text.starts_with(zip_signature) || is_legacy_checkpoint(bytes) ||
         (text.size() > 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5);
}

Checkpoint read_checkpoint(Data data, const std::string& where) {
  const CheckpointSource source = open_checkpoint(data, where);
  const auto found = find_state_dict(source.pickle);
  if (!found)
    throw Error(ErrorCode::model,
                "the file holds " + std::string(describe_kind(source.pickle[source.pickle.root])) +
                    " and no state_dict (a dict of tensors): save torch.save(model.state_dict(), path)",
                where);
  Checkpoint checkpoint;
  checkpoint.found_at = found->path;
  checkpoint.config = find_config(source.pickle, *found, where);

  const std::vector<PickledTensor> tensors = tensors_in(source.pickle, found->dict, where);
  std::vector<std::string> names;
  for (const PickledTensor& tensor : tensors) names.push_back(tensor.name);
  checkpoint.prefix = strip_wrapper_prefixes(names);
  TensorBuilder builder(source.pickle, source.storages, data.size(), where);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (!checkpoint.tensors.add(names[i], builder.build(tensors[i].id, tensors[i].name)))
      throw Error(ErrorCode::model,
                  "tensor " + printable(tensors[i].name) + " occurs twice: the file is damaged, get it anew",
                  where);
  }
  return checkpoint;
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  return read_checkpoint(map_file(path), path.string());
}

}  // namespace calib8
