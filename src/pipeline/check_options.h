#pragma once

#include "calib8/export.h"

namespace calib8 {

/// Fail with ErrorCode::usage where an option is outside its limits or two contradict, and name it as the
/// command line does. The limits are here alone: flags and Python hand on what they were given.
void check_options(const DatasetOptions& options);
void check_options(const ExportOptions& options);

}  // namespace calib8
