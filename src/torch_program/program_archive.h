#pragma once

#include <map>
#include <string>

#include "base/bytes.h"
#include "container/storage.h"
#include "container/zip.h"
#include "torch_program/program.h"

namespace calib8 {

/// Whether the bytes are a ZIP archive that torch.export.save wrote, of this or an older version. Not a
/// promise that it can be read.
bool looks_like_program(ByteView bytes);

/// A .pt2 file: its program, and its tensors by name.
class ProgramArchive {
 public:
  /// Fails with ErrorCode::model, also for what torch wrote before 2.9 and for compiled models.
  ProgramArchive(const Data& file, std::string where);

  const Program& program() const { return program_; }

  /// The weight, buffer or constant behind an input of the graph, whose checksum has been verified. Fails
  /// with ErrorCode::model, naming the tensor, where there is none, where it reaches outside its storage, or
  /// where it isn't plain data.
  Tensor tensor(const ProgramInput& input);

  /// The names of all weights with their types, as the file says them.
  std::map<std::string, ProgramType> weights() const;

 private:
  struct Entry {
    std::string member;  ///< Of the archive.
    ProgramType type;
    bool is_pickle = false;
  };
  using Entries = std::map<std::string, Entry>;

  Entries read_config(const std::string& folder, const std::string& name) const;

  std::string where_;
  ZipArchive archive_;
  std::string root_;  ///< The folder of all members, with its slash.
  Program program_;
  Entries weights_, constants_;
  StorageReader storages_;
  std::map<std::string, Data> read_;  ///< Members whose checksum has been verified.
};

}  // namespace calib8
