#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/bytes.h"

namespace calib8 {

/// Parses a JSON file of one object, at most 64 levels deep and 100 MB long. `where` names it. Fails with
/// ErrorCode::model.
nlohmann::json parse_json_object(const Data& file, const std::string& where);

}  // namespace calib8
