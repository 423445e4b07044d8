#include "torch_program/program_archive.h"

#include "base/text.h"
#include "calib8/error.h"
#include "container/byte_cursor.h"
#include "read/weights/json_file.h"
#include "torch_program/program_json.h"

namespace calib8 {
namespace {

constexpr std::string_view format_member = "archive_format";
constexpr std::string_view oldest_member = "serialized_exported_program.json";

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::model, what, where);
}

/// The folder of "folder/archive_format", with its slash.
std::string root_of(const ZipArchive& archive) {
  for (const ZipMember& member : archive.members) {
    const std::size_t slash = member.name.find('/');
    if (slash != std::string::npos && member.name.substr(slash + 1) == format_member)
      return member.name.substr(0, slash + 1);
  }
  if (archive.find(oldest_member))
    refuse(
        archive.where,
        "the program was saved by PyTorch before 2.8, in another form: load and save it with PyTorch 2.13");
  refuse(archive.where, "the archive has no archive_format: it is no program of torch.export.save");
}

std::string text_in(const ZipArchive& archive, const std::string& name) {
  const ZipMember* member = archive.find(name);
  return member ? std::string(text_of(read_member(archive, *member).bytes())) : std::string();
}

Data required(const ZipArchive& archive, const std::string& name) {
  const ZipMember* member = archive.find(name);
  if (!member)
    refuse(archive.where, "member " + printable(name) + " is missing: the archive is damaged, get it anew");
  return read_member(archive, *member);
}

void check_kind(const ZipArchive& archive, const std::string& root) {
  if (text_in(archive, root + std::string(format_member)) != "pt2")
    refuse(archive.where, "the archive's format isn't pt2: it is no program of torch.export.save");
  const std::string version = text_in(archive, root + "archive_version");
  if (version != "0")
    refuse(archive.where, "the archive is of version " + printable(version) +
                              ", and calib8 reads version 0: save it with PyTorch 2.13");
  if (const std::string order = text_in(archive, root + "byteorder"); order != "little")
    refuse(archive.where,
           "the program was saved on a big-endian machine: load and save it on a little-endian one");
  if (archive.find(root + "models/model.json")) return;
  for (const ZipMember& member : archive.members) {
    if (member.name.starts_with(root + "data/aotinductor/"))
      refuse(archive.where,
             "the file is a compiled model (AOTInductor): save the program itself with torch.export.save");
  }
  refuse(archive.where, "the archive has no models/model.json: save the program with torch.export.save");
}

std::int64_t size_in(const Dimension& dimension) {
  return dimension.size;  // -1 where it is symbolic, which no storage has
}

}  // namespace

bool looks_like_program(ByteView bytes) {
  const std::string_view text = text_of(bytes);
  if (!text.starts_with("PK\x03\x04")) return false;
  // The directory's names stand behind the members: its end is what tells most, and is all that is looked at.
  constexpr std::size_t most = 1 << 20;
  const std::string_view end = text.substr(text.size() - std::min(text.size(), most));
  const std::string_view begin = text.substr(0, most);
  const auto holds = [&](std::string_view name) {
    return begin.find(name) != std::string_view::npos || end.find(name) != std::string_view::npos;
  };
  return holds("/archive_format") || holds(oldest_member);
}

ProgramArchive::ProgramArchive(const Data& file, std::string where)
    : where_(std::move(where)),
      archive_(open_zip(file, where_)),
      root_(root_of(archive_)),
      storages_(file.size()) {
  check_kind(archive_, root_);
  const std::string name = root_ + "models/model.json";
  program_ = parse_program(required(archive_, name), where_ + ": models/model.json");
  weights_ = read_config("data/weights/", "model_weights_config.json");
  constants_ = read_config("data/constants/", "model_constants_config.json");
}

ProgramArchive::Entries ProgramArchive::read_config(const std::string& folder,
                                                    const std::string& name) const {
  const std::string path = root_ + folder + name, where = where_ + ": " + folder + name;
  const ZipMember* member = archive_.find(path);
  if (!member && archive_.find(root_ + folder + "model.pt"))
    refuse(where_,
           "the program's tensors are pickled, as PyTorch before 2.9 did it: load and save it with PyTorch "
           "2.13");
  const nlohmann::json root = parse_json_object(required(archive_, path), where);
  const auto fail = [&](const std::string& what) {
    refuse(where, what + ": the file is damaged, get it anew");
  };
  if (!root.contains("config") || !root["config"].is_object()) fail("lacks 'config'");
  Entries entries;
  for (const auto& [tensor, entry] : root["config"].items()) {
    if (!entry.is_object() || !entry.contains("path_name") || !entry["path_name"].is_string())
      fail("doesn't say where " + printable(tensor) + " lies");
    const bool is_pickle = entry.contains("use_pickle") && entry["use_pickle"] != false;
    const bool has_type = entry.contains("tensor_meta") && entry["tensor_meta"].is_object();
    if (!has_type && !is_pickle) fail("doesn't say what " + printable(tensor) + " is");
    entries[tensor] = {root_ + folder + entry["path_name"].get<std::string>(),
                       has_type ? parse_program_type(entry["tensor_meta"], where) : ProgramType{},
                       is_pickle || !has_type};
  }
  return entries;
}

Tensor ProgramArchive::tensor(const ProgramInput& input) {
  const auto error = [&](const std::string& what) {
    return Error(ErrorCode::model, "tensor " + printable(input.tensor) + " " + what, where_);
  };
  const Entries& entries = input.kind == ProgramInput::Kind::constant ? constants_ : weights_;
  const auto found = entries.find(input.tensor);
  if (found == entries.end()) throw error("is missing: the archive is damaged, get it anew");
  const Entry& entry = found->second;
  if (entry.is_pickle)
    throw error(
        "is an object of its own kind, which calib8 doesn't load: export the model with plain tensors");
  if (!entry.type.dtype)
    throw error("is " + program_type_name(entry.type.dtype_number) +
                ", which calib8 doesn't read: convert it to float32 before exporting");
  if (!read_.contains(entry.member)) read_[entry.member] = required(archive_, entry.member);
  StoragePlace place{size_in(entry.type.offset), {}, {}};
  for (const Dimension& size : entry.type.sizes) place.shape.push_back(size_in(size));
  for (const Dimension& stride : entry.type.strides) place.strides.push_back(size_in(stride));
  return storages_.read(read_[entry.member], *entry.type.dtype, std::move(place), error);
}

std::map<std::string, ProgramType> ProgramArchive::weights() const {
  std::map<std::string, ProgramType> types;
  for (const auto& [name, entry] : weights_) types[name] = entry.type;
  return types;
}

}  // namespace calib8
