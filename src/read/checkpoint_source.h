#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "container/pickle.h"
#include "read/checkpoint_tensors.h"

namespace calib8 {

/// The two parts of what torch.save writes, however they are packed: the object's pickle and the storages
/// that it refers to.
struct CheckpointSource {
  Pickle pickle;
  StorageLookup storages;
  std::vector<std::string> foreign;  ///< Classes of objects that stay unread, "module.name", each once.
};

/// Reads a checkpoint's pickle, whose globals are held against read/checkpoint_globals.h.
Pickle read_checkpoint_pickle(const Data& bytes, const std::string& where, std::vector<std::string>& foreign);

/// Opens a checkpoint of any version of PyTorch. Fails with ErrorCode::model, for files of other kinds with
/// advice.
CheckpointSource open_checkpoint(const Data& data, const std::string& where);

/// Opens a ZIP archive of PyTorch 1.6 or later. A storage's checksum is verified when it is first looked up.
/// TorchScript, .pt2 and other kinds of archives are refused with advice. Fails with ErrorCode::model.
CheckpointSource open_zip_checkpoint(const Data& data, const std::string& where);

/// Whether the bytes begin like a file of PyTorch 0.2 to 1.5: the pickled magic number.
bool is_legacy_checkpoint(ByteView bytes);

/// Opens such a file: five pickles and then the storages, one after another. Fails with ErrorCode::model.
CheckpointSource open_legacy_checkpoint(const Data& data, const std::string& where);

}  // namespace calib8
