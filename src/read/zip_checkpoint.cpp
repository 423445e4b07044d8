#include <map>
#include <memory>
#include <set>

#include "base/text.h"
#include "calib8/error.h"
#include "container/byte_cursor.h"
#include "container/zip.h"
#include "read/checkpoint_globals.h"
#include "read/checkpoint_source.h"

namespace calib8 {
namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::model, what, where);
}

/// The folder that all members of a torch.save archive stand in, with its slash; empty where there is none.
std::string root_of(const ZipArchive& archive) {
  const std::string& first = archive.members.front().name;
  const std::size_t slash = first.find('/');
  return slash == std::string::npos ? std::string() : first.substr(0, slash + 1);
}

bool holds_suffix(const ZipArchive& archive, std::string_view suffix) {
  for (const ZipMember& member : archive.members) {
    if (std::string_view(member.name).ends_with(suffix)) return true;
  }
  return false;
}

/// Advice for archives that are not torch.save's.
void refuse_other_archives(const ZipArchive& archive, const std::string& root) {
  if (archive.members.empty()) refuse(archive.where, "the ZIP archive is empty: it is no checkpoint");
  if (archive.find(root + "archive_format") || archive.find("serialized_exported_program.json"))
    refuse(archive.where,
           "the file is an exported program (.pt2), not a checkpoint: save torch.save(model.state_dict(), "
           "path), or export "
           "ONNX with torch.onnx.export");
  if (archive.find(root + "constants.pkl") || holds_suffix(archive, ".py"))
    refuse(archive.where,
           "the file is TorchScript (torch.jit.save), not a checkpoint: save torch.save(model.state_dict(), "
           "path), or "
           "export ONNX with torch.onnx.export");
  if (archive.find("config.json") && archive.find("model.weights.h5"))
    refuse(archive.where, "the file is a Keras model (.keras): calib8 reads PyTorch checkpoints and ONNX");
  if (holds_suffix(archive, ".npy"))
    refuse(archive.where,
           "the file holds NumPy arrays (.npz), not a checkpoint: save torch.save(model.state_dict(), path)");
}

void check_byte_order(const ZipArchive& archive, const std::string& root) {
  const ZipMember* member = archive.find(root + "byteorder");
  if (!member) return;  // before PyTorch 2.1 there was none, and little-endian machines only
  const std::string_view order = text_of(read_member(archive, *member).bytes());
  if (order != "little")
    refuse(archive.where,
           "the checkpoint was saved on a big-endian machine: load and save it with PyTorch on a "
           "little-endian one");
}

/// Looks storages up in an archive, each verified once.
struct ZipStorages {
  std::shared_ptr<const ZipArchive> archive;
  std::string root;
  std::shared_ptr<std::set<std::string>> verified = std::make_shared<std::set<std::string>>();

  Data operator()(std::string_view key, std::uint64_t size) const {
    const std::string name = root + "data/" + std::string(key);
    const ZipMember* member = archive->find(name);
    if (!member)
      refuse(archive->where,
             "member " + printable(name) + " is missing: the archive is damaged, get it anew");
    if (member->stored && member->data.size() != size)
      refuse(archive->where, "member " + printable(name) + " has " + std::to_string(member->data.size()) +
                                 " bytes where the pickle needs " + std::to_string(size) +
                                 ": the archive is damaged or was tampered with, get it anew");
    return verified->insert(name).second ? read_member(*archive, *member) : member->data;
  }
};

}  // namespace

CheckpointSource open_zip_checkpoint(const Data& data, const std::string& where) {
  const auto archive = std::make_shared<const ZipArchive>(open_zip(data, where));
  const std::string root = archive->members.empty() ? std::string() : root_of(*archive);
  refuse_other_archives(*archive, root);
  const ZipMember* member = archive->find(root + "data.pkl");
  if (!member)
    refuse(where,
           "the ZIP archive has no data.pkl: it is no checkpoint of PyTorch, save "
           "torch.save(model.state_dict(), path)");
  check_byte_order(*archive, root);
  const Data bytes = read_member(*archive, *member);
  std::vector<std::string> foreign;
  Pickle pickle = read_checkpoint_pickle(bytes, where, foreign);
  return {std::move(pickle), ZipStorages{archive, root}, std::move(foreign)};
}

}  // namespace calib8
