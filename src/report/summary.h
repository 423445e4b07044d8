#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace calib8 {

/// The report of an export (the metadata's object) for people: what was found, what was used, sizes, speed,
/// agreement with its interval, the worst layers, the next step. Shows nothing that the report doesn't hold.
std::string summarize(const nlohmann::json& report);

}  // namespace calib8
