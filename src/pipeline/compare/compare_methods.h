#pragma once

#include <string>
#include <vector>

#include "calib8/compare.h"

namespace calib8 {

/// The options for one method. Fails with ErrorCode::usage for a name that isn't there.
ExportOptions options_of_method(const CompareOptions& options, const std::string& method);

/// Methods that were named, each once; all where none was. Fails likewise.
std::vector<std::string> chosen_methods(const CompareOptions& options);

}  // namespace calib8
