#pragma once

#include <cstddef>
#include <string>

#include "calib8/export.h"
#include "pipeline/source.h"
#include "read/checkpoint_source.h"
#include "read/modules/find_module.h"
#include "read/state_dict.h"

namespace calib8 {

/// The source that a pickled module makes: its graph by the rows of its classes, and what its file says
/// beside it. `file_size` is that of the file, in bytes. Fails with ErrorCode::model, and with
/// ErrorCode::usage for flags that are for weights alone.
Source read_module(const CheckpointSource& opened, const FoundModule& found, std::size_t file_size,
                   const ExportOptions& options);

/// What `calib8 inspect` shows of it: its tensors and its config. The classes may be any.
Checkpoint read_module_to_inspect(const CheckpointSource& opened, const FoundModule& found,
                                  std::size_t file_size, const std::string& where);

}  // namespace calib8
