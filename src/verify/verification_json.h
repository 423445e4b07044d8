#pragma once

#include <nlohmann/json.hpp>

#include "verify/verify_model.h"

namespace calib8 {

/// What was measured; members that don't apply are absent. Decibels that are infinite (no error at all) are
/// null.
nlohmann::json to_json(const Verification& verification);

}  // namespace calib8
