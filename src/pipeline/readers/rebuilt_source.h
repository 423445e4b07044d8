#pragma once

#include "pipeline/source.h"
#include "read/state_dict.h"

namespace calib8 {

/// The network of a file that is weights alone, rebuilt, with all that the file (and the folder around it,
/// read/model_folder.h) says of sizes, classes and preprocessing. Fails with ErrorCode::model.
Source rebuilt_source(Checkpoint checkpoint, const ExportOptions& options);

/// The text of `calib8 inspect`: the tensors as a table, the config as JSON behind it. `title` says what the
/// file is, `what` what it holds.
std::string weights_text(const Checkpoint& checkpoint, const std::string& title,
                         const std::string& what = "state_dict");

}  // namespace calib8
