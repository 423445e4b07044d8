#include "pipeline/readers/input_size.h"

#include <optional>

#include "pipeline/preprocessing/preprocessing_choice.h"

namespace calib8 {
namespace {

/// An image size that a checkpoint's config names: a number, or [height, width].
std::optional<std::pair<std::int64_t, std::int64_t>> configured_size(const nlohmann::json& config) {
  // torchvision's reference scripts keep their arguments: val_crop_size is what they evaluate at.
  for (const char* key : {"input_size", "image_size", "img_size", "imgsz", "val_crop_size"}) {
    if (!config.is_object() || !config.contains(key)) continue;
    const nlohmann::json& size = config[key];
    const auto plausible = [](const nlohmann::json& value) {
      return value.is_number_integer() && value.get<std::int64_t>() >= 1 &&
             value.get<std::int64_t>() <= 16384;
    };
    if (plausible(size)) return std::pair(size.get<std::int64_t>(), size.get<std::int64_t>());
    if (size.is_array() && size.size() >= 2 && plausible(size[size.size() - 2]) &&
        plausible(size[size.size() - 1])) {
      return std::pair(size[size.size() - 2].get<std::int64_t>(), size[size.size() - 1].get<std::int64_t>());
    }
  }
  return std::nullopt;
}

}  // namespace

NamedSize default_size(std::int64_t side) {
  return {{side, side}, "the default"};
}

NamedSize input_size(const ExportOptions& options, const nlohmann::json& config, const ConfigNames& names,
                     const NamedSize& fallback) {
  if (options.input_size) return {*options.input_size, "--input-size"};
  if (const auto declared = declared_input_size(options, config))
    return {declared->size, options.preprocessing ? declared->from : names.images};
  if (const auto configured = configured_size(config)) return {*configured, names.config};
  return fallback;
}

}  // namespace calib8
