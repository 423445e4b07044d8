#include "pipeline/preprocessing/preprocessing_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "calib8/error.h"
#include "image/preprocessing_fields.h"
#include "image/preprocessing_json.h"
#include "image/preprocessing_names.h"
#include "image/preprocessing_presets.h"

namespace calib8 {
namespace {

using nlohmann::json;

constexpr const char* kByFlag = "--preprocessing";
constexpr const char* kByConfig = "the checkpoint's config";
constexpr const char* kByDefault = "the default";

template <class T>
T require(const std::optional<T>& value, const std::string& text, std::string_view words, const char* flag) {
  if (value) return *value;
  throw Error(ErrorCode::usage, fmt::format("'{}' is none of {}", text, words), flag);
}

/// What --preprocessing names: a preset, a file, or timm's part of the config.
Preprocessing declared(const std::string& name, const json& config) {
  if (name == "timm") {
    std::optional<Preprocessing> found = preprocessing_from_config(config, kByConfig);
    if (found && found->name == "timm") return *std::move(found);
    throw Error(ErrorCode::usage,
                "the model's file has no pretrained_cfg in its config; give timm's config.json itself",
                kByFlag);
  }
  if (std::optional<Preprocessing> preset = find_preset(name)) return *std::move(preset);
  std::error_code error;
  if (!std::filesystem::exists(name, error)) {
    throw Error(
        ErrorCode::usage,
        fmt::format("'{}' is neither a file nor a preset; there are {}, where NAME is an architecture or "
                    "weights as torchvision names them",
                    name, preset_words()),
        kByFlag);
  }
  return read_preprocessing(name);
}

PreprocessingChoice choose_base(const PreprocessingOptions& options, const json& config) {
  if (options.preprocessing) return {declared(*options.preprocessing, config), kByFlag, {}};
  PreprocessingChoice choice{{}, kByDefault, {}};
  try {
    if (auto found = preprocessing_from_config(config, kByConfig))
      choice = {*std::move(found), kByConfig, {}};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::usage) throw;
    choice.notes.push_back(
        fmt::format("{}: {}; the default preprocessing is used instead", error.where(), error.message()));
  }
  return choice;
}

bool all_equal(const std::vector<float>& values) {
  return std::ranges::all_of(values, [&](float value) { return value == values.front(); });
}

/// For a model of one channel. Three means become one only where they are equal.
void make_gray(PreprocessingChoice& choice, const PreprocessingOptions& options) {
  Preprocessing& p = choice.preprocessing;
  if (p.channel_order == ChannelOrder::gray) return;
  p.channel_order = ChannelOrder::gray;
  const bool replaced = !options.mean.empty() && !options.deviation.empty();
  if (all_equal(p.mean) && all_equal(p.deviation)) {
    p.mean.resize(1);
    p.deviation.resize(1);
  } else if (replaced || choice.from == kByDefault) {
    p.mean = {0};
    p.deviation = {1};
    if (replaced) return;
    p.name = "gray";
    choice.notes.push_back(
        "the model takes one channel: images become gray, 0..1, without mean and std; if training used "
        "others, "
        "declare them with --mean and --std");
  } else {
    throw Error(
        ErrorCode::usage,
        fmt::format("the model takes one channel, and {} has a mean for each of three: add --mean and --std",
                    p.name),
        choice.from);
  }
}

/// The size before the crop, of which `share` is kept.
int before_crop(int size, const Fraction& share) {
  return static_cast<int>(std::floor(size * share.denominator / share.numerator));
}

void apply_geometry(const PreprocessingOptions& options, Preprocessing& p) {
  if (options.interpolation) {
    std::tie(p.library, p.interpolation) =
        require(parse_interpolation(*options.interpolation), *options.interpolation, kInterpolationWords,
                "--interpolation");
  }
  if (options.resize_mode) {
    p.resize_mode = require(parse_resize_mode(*options.resize_mode), *options.resize_mode, kResizeModeWords,
                            "--resize-mode");
    p.resize_height = p.resize_width = 0;
  }
  if (!options.crop) return;
  const auto share = parse_fraction(*options.crop);
  if (!share || share->numerator > share->denominator || share->numerator < 0.05 * share->denominator) {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' is not a share from 0.05 to 1, as 0.875 or 224/256", *options.crop),
                "--crop");
  }
  if (p.resize_mode == ResizeMode::letterbox)
    throw Error(ErrorCode::usage, "letterbox cuts nothing: name another --resize-mode", "--crop");
  if (p.resize_mode == ResizeMode::exact && !options.resize_mode) p.resize_mode = ResizeMode::shortest_side;
  const bool shortest = p.resize_mode == ResizeMode::shortest_side;
  p.resize_height = before_crop(shortest ? std::min(p.height, p.width) : p.height, *share);
  p.resize_width = before_crop(p.width, *share);
}

void apply_values(const PreprocessingOptions& options, Preprocessing& p) {
  if (options.scale) {
    const auto scale = parse_fraction(*options.scale);
    if (!scale)
      throw Error(ErrorCode::usage,
                  fmt::format("'{}' is not a positive number or a fraction like 1/255", *options.scale),
                  "--scale");
    p.divisor = divisor_of(*scale);
  }
  if (!options.mean.empty()) p.mean = options.mean;
  if (!options.deviation.empty()) p.deviation = options.deviation;
  check_values(p, !options.mean.empty() ? "--mean" : !options.deviation.empty() ? "--std" : "--scale");
}

void apply_channel_order(const PreprocessingOptions& options, int channels, Preprocessing& p) {
  if (options.channel_order) {
    const ChannelOrder order = require(parse_channel_order(*options.channel_order), *options.channel_order,
                                       kChannelOrderWords, "--channel-order");
    if ((order == ChannelOrder::gray) != (channels == 1)) {
      throw Error(ErrorCode::usage,
                  fmt::format("the model takes {} channel{}, so its images can't be {}", channels,
                              channels == 1 ? "" : "s", *options.channel_order),
                  "--channel-order");
    }
    p.channel_order = order;
  }
  if (channel_count(p) != channels) {
    throw Error(ErrorCode::usage,
                fmt::format("{} makes images gray, and the model takes {} channels", p.name, channels),
                kByFlag);
  }
}

bool changes_steps(const PreprocessingOptions& options) {
  return !options.mean.empty() || !options.deviation.empty() || options.interpolation ||
         options.resize_mode || options.crop || options.channel_order || options.scale;
}

}  // namespace

PreprocessingChoice choose_preprocessing(const PreprocessingOptions& options, const json& config, int height,
                                         int width, int channels) {
  PreprocessingChoice choice = choose_base(options, config);
  Preprocessing& p = choice.preprocessing;
  p = for_input_size(std::move(p), height, width);
  if (channels == 1) make_gray(choice, options);
  apply_channel_order(options, channels, p);
  apply_geometry(options, p);
  apply_values(options, p);
  if (changes_steps(options)) choice.from += ", and flags";
  return choice;
}

PreprocessingChoice choose_preprocessing(const PreprocessingOptions& options, const json& config,
                                         const std::vector<Shape>& inputs) {
  const bool is_image =
      inputs.size() == 1 && inputs[0].size() == 4 && (inputs[0][3] == 3 || inputs[0][3] == 1);
  if (is_image && inputs[0][0] != 1) {
    throw Error(
        ErrorCode::dataset,
        fmt::format(
            "the model takes {} images at once, and calibrating feeds it one: export it with batch 1 or a "
            "dynamic one, or give arrays of {}",
            inputs[0][0], to_string(inputs[0])));
  }
  if (!is_image) {
    throw Error(ErrorCode::dataset,
                "the model doesn't take one RGB or gray image, so images can't calibrate it; give arrays by "
                "the Python API "
                "(representative_data_gen)");
  }
  return choose_preprocessing(options, config, static_cast<int>(inputs[0][1]), static_cast<int>(inputs[0][2]),
                              static_cast<int>(inputs[0][3]));
}

PreprocessingChoice choose_preprocessing(
    const PreprocessingOptions& options,
    const std::optional<std::pair<std::int64_t, std::int64_t>>& input_size) {
  const json no_config = json::object();
  const auto declared_size = declared_input_size(options, no_config);
  const auto [height, width] = input_size      ? *input_size
                               : declared_size ? declared_size->size
                                               : std::pair<std::int64_t, std::int64_t>(224, 224);
  if (height < 1 || width < 1 || height > kLargestSide || width > kLargestSide) {
    throw Error(ErrorCode::usage,
                fmt::format("{}x{} is not a size; each side is 1 to {}", height, width, kLargestSide),
                "--input-size");
  }
  const auto order = options.channel_order ? parse_channel_order(*options.channel_order) : std::nullopt;
  const int channels = order ? (*order == ChannelOrder::gray ? 1 : 3)
                             : channel_count(choose_base(options, no_config).preprocessing);
  return choose_preprocessing(options, no_config, static_cast<int>(height), static_cast<int>(width),
                              channels);
}

std::optional<DeclaredSize> declared_input_size(const PreprocessingOptions& options, const json& config) {
  if (options.preprocessing) {
    if (!has_own_size(*options.preprocessing) && find_preset(*options.preprocessing)) return std::nullopt;
    const Preprocessing p = declared(*options.preprocessing, config);
    return DeclaredSize{{p.height, p.width}, kByFlag};
  }
  if (config.is_object() && config.contains("preprocessor_config")) {
    try {
      if (const auto p = preprocessing_from_config(config, kByConfig))
        return DeclaredSize{{p->height, p->width}, kByConfig};
    } catch (const Error& error) {
      if (error.code() != ErrorCode::usage) throw;  // likewise below: a note says so where the config is used
    }
  }
  for (const char* name : {"pretrained_cfg", "default_cfg"}) {
    if (!config.is_object() || !config.contains(name) || !config[name].is_object() ||
        !config[name].contains("input_size"))
      continue;
    try {
      const auto [height, width] = PreprocessingFields(config[name], kByConfig).size("input_size");
      return DeclaredSize{{height, width}, kByConfig};
    } catch (const Error& error) {
      if (error.code() != ErrorCode::usage) throw;  // a note says so where the config is used
    }
  }
  return std::nullopt;
}

}  // namespace calib8
