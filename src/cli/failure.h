#pragma once

#include <string>

#include "calib8/error.h"

namespace calib8::cli {

/// Ends a command that failed: one line on standard error, and where `as_json` holds an object on standard
/// output, too: {"error": {"code": "model", "status": 3, "message": ..., "where": ...}}. Gives the status.
int report_failure(const Error& error, bool as_json) noexcept;

}  // namespace calib8::cli
