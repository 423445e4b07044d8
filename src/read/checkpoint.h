#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "read/checkpoint_source.h"
#include "read/state_dict.h"

namespace calib8 {

/// Whether the bytes begin like something torch.save writes: a ZIP archive or a pickle. Not a promise that it
/// can be read.
bool looks_like_checkpoint(ByteView bytes);

/// Reads the state_dict and the plain values of what torch.save wrote: zip archives (PyTorch 1.6 and later)
/// and the older files of bare pickles. The pickle is read as data: nothing in it is called, objects beside
/// the weights stay unread, and a global that would run code is refused by name (read/checkpoint_globals.h).
///
/// `state_dict` names one of several: by its keys ("ema", "checkpoint.model_ema") or by what its tensors'
/// names begin with ("student"). Empty: the most usual one. Fails with ErrorCode::model, also where there is
/// none of that name.
Checkpoint read_checkpoint(const std::filesystem::path& path, const std::string& state_dict = {});

/// The same from memory; `where` names the bytes in errors.
Checkpoint read_checkpoint(Data data, const std::string& where, const std::string& state_dict = {});

/// The same of one that open_checkpoint() has opened, a file of so many bytes.
Checkpoint read_checkpoint(const CheckpointSource& source, std::size_t file_size, const std::string& where,
                           const std::string& state_dict = {});

/// All tensors of a file that is one bare state_dict, in its order, with their names as they are. Fails with
/// ErrorCode::model, also where the file holds anything else.
std::vector<NamedTensor> read_bare_state_dict(const Data& data, const std::string& where);

}  // namespace calib8
