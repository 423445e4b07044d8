#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "calib8/export.h"

namespace calib8 {

/// The size that a network is built for, and what said so.
using NamedSize = std::pair<std::pair<std::int64_t, std::int64_t>, const char*>;  // height, width (pixels)

/// That of --input-size, or else of the preprocessing, of the checkpoint's config ("image_size", "imgsz",
/// ...), or `fallback` for both sides.
NamedSize input_size(const ExportOptions& options, const nlohmann::json& config, std::int64_t fallback = 224);

}  // namespace calib8
