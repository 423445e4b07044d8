#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "calib8/export.h"

namespace calib8 {

/// The size that a network is built for, and what said so.
using NamedSize = std::pair<std::pair<std::int64_t, std::int64_t>, std::string>;  // height, width (pixels)

/// What a config is called, for people, and the part of it that describes images.
struct ConfigNames {
  std::string config, images;
};

/// The size where nothing says any.
NamedSize default_size(std::int64_t side = 224);

/// That of --input-size, or else of the preprocessing, of the config ("image_size", "imgsz", ...), or
/// `fallback`.
NamedSize input_size(const ExportOptions& options, const nlohmann::json& config, const ConfigNames& names,
                     const NamedSize& fallback);

}  // namespace calib8
