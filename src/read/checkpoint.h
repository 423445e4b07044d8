#pragma once

#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "read/state_dict.h"

namespace calib8 {

/// Whether the bytes begin like something torch.save writes: a ZIP archive or a pickle. Not a promise that it
/// can be read.
bool looks_like_checkpoint(ByteView bytes);

/// Reads the state_dict and the plain values of what torch.save wrote: zip archives (PyTorch 1.6 and later)
/// and the older files of bare pickles. The pickle is read as data: nothing in it is called, and a global
/// that is not on the lists of read/checkpoint_globals.h is refused by name. Fails with ErrorCode::model.
Checkpoint read_checkpoint(const std::filesystem::path& path);

/// The same from memory; `where` names the bytes in errors.
Checkpoint read_checkpoint(Data data, const std::string& where);

}  // namespace calib8
