#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "report/export_report.h"

namespace calib8 {

/// Version of the metadata's layout: raised when a member changes its meaning or goes.
inline constexpr int schema_version = 1;

/// The metadata's object: docs/result.md describes it. Lists of samples are not in it. Numbers that JSON has
/// no word for are null; beside a ratio in decibels that is null, "sqnr_is" says which one it is.
nlohmann::json to_json(const ExportReport& report);

/// Adds "path" to an object; where it isn't UTF-8 it has replacements, and "path_hex" beside it, byte by
/// byte.
void add_path(nlohmann::json& object, const std::string& path);

/// Parts of it that stand alone, too.
nlohmann::json to_json(const Verification& verification);
nlohmann::json to_json(const ModelInputDescription& input);
nlohmann::json to_json(const DatasetDescription& dataset);
nlohmann::json to_json(const std::optional<PreprocessingDescription>& preprocessing);

}  // namespace calib8
