#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "image/preprocess.h"

namespace calib8 {

/// Whether a JSON object is a preprocessor_config.json of Hugging Face's transformers that describes images.
bool is_transformers_preprocessor(const nlohmann::json& json);

/// What such a preprocessor does: resize to a size or to a shortest edge (`size`, `resample`, and ConvNeXt's,
/// PoolFormer's and LeViT's ways to the size before the crop), center crop, rescale, normalize and the order
/// of the channels. What is absent has the default of most of its kinds. Fails with ErrorCode::usage where a
/// member has no sense, and for steps that calib8 has no equal of.
Preprocessing preprocessing_from_transformers(const nlohmann::json& json, const std::string& where);

}  // namespace calib8
