#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "image/preprocess.h"

namespace calib8 {

/// All of a preprocessing: {"name", "description", "height", "width", "exif_orientation", "resize": {"mode",
/// "size" (N for shortest-side, else [height, width]), "pad" (letterbox)}, "interpolation", "channel_order",
/// "scale", "mean", "std", "layout"}. `description` and `layout` ("NHWC", as the TFLite model takes it) are
/// for reading only.
nlohmann::json to_json(const Preprocessing& preprocessing);

/// The way back; height and width must be there, and what else is absent has the default. `where` names the
/// file in errors. Fails with ErrorCode::usage for a member that isn't known, and for values of the wrong
/// type or range.
Preprocessing preprocessing_from_json(const nlohmann::json& json, const std::string& where);

/// timm's: what a `pretrained_cfg` says (input_size, interpolation, mean, std, crop_pct, crop_mode; what is
/// absent has timm's default), as its eval transform does it. Fails with ErrorCode::usage as above, and for
/// what calib8 has no equal of (crop_mode "border", the interpolations "box" and "hamming").
Preprocessing preprocessing_from_timm(const nlohmann::json& pretrained_cfg, const std::string& where);

/// What the config beside a checkpoint's tensors says: a "preprocessing" (a preset's name, or an object as
/// to_json writes it), a "preprocessor_config" of transformers, timm's "pretrained_cfg" or "default_cfg",
/// timm's members themselves where there is "crop_pct" or "crop_mode", or else "mean" and "std" (a mean over
/// 1 is of unscaled pixels) and "interpolation". Nothing where it says nothing. Fails with ErrorCode::usage
/// as above.
std::optional<Preprocessing> preprocessing_from_config(const nlohmann::json& config,
                                                       const std::string& where);

/// A JSON file of one of these kinds, or one with a member "pretrained_cfg" or "preprocessing" that is. Fails
/// with ErrorCode::usage where it can't be read, too.
Preprocessing read_preprocessing(const std::string& path);

}  // namespace calib8
