#include "read/weights/weight_shards.h"

#include <map>

#include "base/natural_order.h"
#include "base/text.h"
#include "calib8/error.h"
#include "container/byte_cursor.h"
#include "read/checkpoint.h"
#include "read/weights/json_file.h"
#include "read/weights/safetensors.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_files = 10'000;

/// Which tensors each file has to hold.
using Files = std::map<std::string, std::map<std::string, bool>>;

/// A file beside the index, and nothing else: no folder, no way up.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos && name.find('\0') == std::string::npos &&
         name != "." && name != "..";
}

Files files_of(const nlohmann::json& index, const std::string& where) {
  Files files;
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object() || map->empty())
    throw Error(ErrorCode::model, "has no weight_map from tensors to files", where);
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string() || !is_plain_name(file.get<std::string>()))
      throw Error(ErrorCode::model,
                  "weight_map doesn't name a file beside it for tensor " + printable(tensor), where);
    files[file.get<std::string>()].emplace(tensor, false);
  }
  if (files.size() > most_files)
    throw Error(ErrorCode::model, "names " + std::to_string(files.size()) + " files, more than any model has",
                where);
  return files;
}

void take_shard(const std::string& name, std::map<std::string, bool>& wanted, const fs::path& index,
                ShardedWeights& read) {
  const fs::path path = index.parent_path() / name;
  const Data data = map_file(path);
  std::vector<NamedTensor> tensors = looks_like_safetensors(data.bytes())
                                         ? read_safetensors(data, path.string()).tensors
                                         : read_bare_state_dict(data, path.string());
  for (NamedTensor& tensor : tensors) {
    const auto found = wanted.find(tensor.name);
    if (found == wanted.end() || found->second)
      throw Error(ErrorCode::model,
                  "holds tensor " + printable(tensor.name) + ", which " + index.filename().string() +
                      " doesn't say: the files aren't of one model",
                  path.string());
    found->second = true;
    read.tensors.push_back(std::move(tensor));
  }
  for (const auto& [tensor, found] : wanted) {
    if (!found)
      throw Error(ErrorCode::model,
                  "lacks tensor " + printable(tensor) + ", which " + index.filename().string() +
                      " names: get the file anew",
                  path.string());
  }
  read.files.emplace_back(path, data);
}

}  // namespace

bool looks_like_weight_index(ByteView bytes) {
  const std::string_view text = text_of(bytes);
  return text.starts_with('{') && text.find("\"weight_map\"") != std::string_view::npos;
}

ShardedWeights read_weight_shards(const Data& index, const fs::path& path) {
  Files files = files_of(parse_json_object(index, path.string()), path.string());
  ShardedWeights read;
  for (auto& [name, wanted] : files) take_shard(name, wanted, path, read);
  std::ranges::stable_sort(read.tensors, before_naturally, &NamedTensor::name);
  return read;
}

}  // namespace calib8
