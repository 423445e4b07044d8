#include "image/preprocessing_json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "calib8/error.h"
#include "image/foreign/transformers_preprocessor.h"
#include "image/preprocessing_fields.h"
#include "image/preprocessing_names.h"
#include "image/preprocessing_presets.h"

namespace calib8 {
namespace {

using nlohmann::json;

/// The metadata of an export may be given, which lists every sample.
constexpr std::uintmax_t kMostFileBytes = std::uintmax_t{256} << 20;

/// With the fewest digits that give the same float back: 0.485 and not 0.48500001430511475.
json shortest(const std::vector<float>& values) {
  json list = json::array();
  for (const float value : values) list.push_back(std::stod(fmt::format("{}", value)));
  return list;
}

json resize_to_json(const Preprocessing& p) {
  json resize = {{"mode", name_of(p.resize_mode)}};
  const int height = p.resize_height > 0 ? p.resize_height : p.height;
  const int width = p.resize_width > 0 ? p.resize_width : p.width;
  if (p.resize_mode == ResizeMode::shortest_side) {
    resize["size"] = p.resize_height > 0 ? p.resize_height : std::min(p.height, p.width);
  } else if (p.resize_mode == ResizeMode::letterbox) {
    resize["size"] = {p.height, p.width};
    resize["pad"] = p.pad_value;
  } else {
    resize["size"] = {height, width};
  }
  return resize;
}

/// Height and width of the result stand already.
void read_resize(const json& object, const std::string& where, Preprocessing& p) {
  const PreprocessingFields resize(object, where + ": \"resize\"");
  resize.allow_only({"mode", "size", "pad"});
  if (resize.has("mode")) {
    const auto mode = parse_resize_mode(resize.text("mode"));
    if (!mode) resize.fail("mode", fmt::format("one of {}", kResizeModeWords));
    p.resize_mode = *mode;
  }
  if (resize.has("pad")) p.pad_value = resize.integer("pad", 0, 255);
  if (!resize.has("size")) return;
  const auto size = resize.size("size");
  if (p.resize_mode == ResizeMode::letterbox) {
    if (size != std::pair(p.height, p.width)) resize.fail("size", "height and width: letterbox cuts nothing");
  } else if (p.resize_mode == ResizeMode::shortest_side) {
    p.resize_height = resize.integer("size", 1, kLargestSide);
  } else if (size != std::pair(p.height, p.width)) {
    std::tie(p.resize_height, p.resize_width) = size;
  }
}

double read_scale(const PreprocessingFields& fields) {
  const json& value = fields.at("scale");
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  const auto scale = parse_fraction(text);
  if (!scale) fields.fail("scale", "a positive number or a fraction like \"1/255\"");
  return divisor_of(*scale);
}

json parse_file(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error || !std::filesystem::is_regular_file(path, error))
    throw Error(ErrorCode::usage, "there is no such file, and no such preset", path);
  if (size > kMostFileBytes)
    throw Error(ErrorCode::usage, "is larger than 256 MiB: no preprocessing is", path);
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw Error(ErrorCode::usage, "can't be read", path);
  json parsed = json::parse(text.str(), nullptr, false);
  if (parsed.is_discarded()) throw Error(ErrorCode::usage, "isn't JSON", path);
  return parsed;
}

}  // namespace

json to_json(const Preprocessing& p) {
  return {{"name", p.name},
          {"description", describe(p)},
          {"height", p.height},
          {"width", p.width},
          {"exif_orientation", p.exif_orientation},
          {"resize", resize_to_json(p)},
          {"interpolation", name_of_interpolation(p.library, p.interpolation)},
          {"channel_order", name_of(p.channel_order)},
          {"scale", scale_text(p.divisor)},
          {"mean", shortest(p.mean)},
          {"std", shortest(p.deviation)},
          {"layout", "NHWC"}};
}

Preprocessing preprocessing_from_json(const json& object, const std::string& where) {
  const PreprocessingFields fields(object, where);
  fields.allow_only({"name", "description", "from", "height", "width", "exif_orientation", "resize",
                     "interpolation", "channel_order", "scale", "mean", "std", "layout"});
  Preprocessing p;
  p.name = fields.has("name") ? fields.text("name") : std::filesystem::path(where).filename().string();
  fields.require("height");
  fields.require("width");
  p.height = fields.integer("height", 1, kLargestSide);
  p.width = fields.integer("width", 1, kLargestSide);
  if (fields.has("exif_orientation")) p.exif_orientation = fields.boolean("exif_orientation");
  if (fields.has("resize")) read_resize(fields.at("resize"), where, p);
  if (fields.has("interpolation"))
    std::tie(p.library, p.interpolation) = fields.interpolation("interpolation");
  if (fields.has("channel_order")) {
    const auto order = parse_channel_order(fields.text("channel_order"));
    if (!order) fields.fail("channel_order", fmt::format("one of {}", kChannelOrderWords));
    p.channel_order = *order;
  }
  if (p.channel_order == ChannelOrder::gray) p.mean = {0}, p.deviation = {1};
  if (fields.has("scale")) p.divisor = read_scale(fields);
  if (fields.has("mean")) p.mean = fields.channels("mean");
  if (fields.has("std")) p.deviation = fields.channels("std");
  if (fields.has("layout") && fields.text("layout") != "NHWC" && fields.text("layout") != "NCHW")
    fields.fail("layout", "NHWC or NCHW; calib8 feeds each model in its own");
  check_values(p, where);
  return p;
}

Preprocessing preprocessing_from_timm(const json& object, const std::string& where) {
  const PreprocessingFields fields(object, where);
  Preprocessing p;
  p.name = "timm";
  p.interpolation = Interpolation::bicubic;
  if (fields.has("input_size")) std::tie(p.height, p.width) = fields.size("input_size");
  if (fields.has("interpolation") && fields.at("interpolation") != "") {
    std::tie(p.library, p.interpolation) = fields.interpolation("interpolation");
    if (p.library != ResizeLibrary::pillow) fields.fail("interpolation", "one of timm's");
  }
  const double crop = fields.has("crop_pct") ? fields.number("crop_pct") : 0.875;
  if (!(crop >= 0.05 && crop <= 4)) fields.fail("crop_pct", "a share of the side, as 0.875");
  p.resize_height = static_cast<int>(std::floor(p.height / crop));
  p.resize_width = static_cast<int>(std::floor(p.width / crop));
  const std::string mode = fields.has("crop_mode") ? fields.text("crop_mode") : "center";
  if (mode == "center") {
    p.resize_mode = p.resize_height == p.resize_width ? ResizeMode::shortest_side : ResizeMode::cover;
  } else if (mode != "squash") {
    fields.fail("crop_mode", "\"center\" or \"squash\"");
  }
  const bool gray = fields.has("input_size") && fields.at("input_size").is_array() &&
                    fields.at("input_size").size() == 3 && fields.at("input_size")[0] == 1;
  if (gray) p.channel_order = ChannelOrder::gray;
  if (gray) p.mean = {0.5f}, p.deviation = {0.5f};
  if (fields.has("mean")) p.mean = fields.channels("mean");
  if (fields.has("std")) p.deviation = fields.channels("std");
  check_values(p, where);
  return p;
}

namespace {

/// The arguments of torchvision's references/classification/train.py: how it evaluates.
Preprocessing preprocessing_from_torchvision(const json& config, const std::string& where) {
  const PreprocessingFields fields(config, where);
  Preprocessing p;
  p.name = "torchvision's training arguments";
  std::tie(p.height, p.width) = fields.size("val_crop_size");
  std::tie(p.resize_height, p.resize_width) = fields.size("val_resize_size");
  p.resize_mode = ResizeMode::shortest_side;
  if (config.contains("interpolation") && !config["interpolation"].is_null())
    std::tie(p.library, p.interpolation) = fields.interpolation("interpolation");
  return p;
}

}  // namespace

std::optional<Preprocessing> preprocessing_from_config(const json& config, const std::string& where) {
  if (!config.is_object()) return std::nullopt;
  // timm's train.py keeps "" where no interpolation was given.
  const auto has = [&](const char* name) {
    return config.contains(name) && !config[name].is_null() && config[name] != "";
  };
  if (has("preprocessing") && config["preprocessing"].is_object())
    return preprocessing_from_json(config["preprocessing"], where);
  if (has("preprocessing") && config["preprocessing"].is_string())
    if (const auto preset = find_preset(config["preprocessing"].get<std::string>())) return preset;
  if (has("preprocessor_config") && is_transformers_preprocessor(config["preprocessor_config"]))
    return preprocessing_from_transformers(config["preprocessor_config"], where);
  for (const char* name : {"pretrained_cfg", "default_cfg"}) {
    if (has(name) && config[name].is_object()) return preprocessing_from_timm(config[name], where);
  }
  if (has("val_resize_size") && has("val_crop_size")) return preprocessing_from_torchvision(config, where);
  if (has("crop_pct") || has("crop_mode")) return preprocessing_from_timm(config, where);
  if (!(has("mean") && has("std")) && !has("interpolation")) return std::nullopt;
  const PreprocessingFields fields(config, where);
  Preprocessing p;
  p.name = "config";
  if (has("mean") && has("std")) {
    p.mean = fields.channels("mean");
    p.deviation = fields.channels("std");
    // [123.675, 116.28, 103.53] are of pixels that aren't scaled.
    if (std::ranges::any_of(p.mean, [](float mean) { return mean > 1; })) p.divisor = 1;
  }
  if (has("interpolation")) std::tie(p.library, p.interpolation) = fields.interpolation("interpolation");
  check_values(p, where);
  return p;
}

Preprocessing read_preprocessing(const std::string& path) {
  const json file = parse_file(path);
  if (!file.is_object()) return preprocessing_from_json(file, path);
  if (file.contains("pretrained_cfg")) return preprocessing_from_timm(file["pretrained_cfg"], path);
  if (file.contains("preprocessing")) return preprocessing_from_json(file["preprocessing"], path);
  if (is_transformers_preprocessor(file)) return preprocessing_from_transformers(file, path);
  for (const char* name : {"crop_pct", "crop_mode", "input_size"}) {
    if (file.contains(name)) return preprocessing_from_timm(file, path);
  }
  return preprocessing_from_json(file, path);
}

}  // namespace calib8
