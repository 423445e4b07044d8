#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/shape.h"
#include "calib8/dataset_options.h"
#include "image/preprocess.h"

namespace calib8 {

/// The preprocessing of an export, and why it is this one.
struct PreprocessingChoice {
  Preprocessing preprocessing;
  std::string from;                ///< "--preprocessing", "the checkpoint's config" or "the default"
  std::vector<std::string> notes;  ///< One sentence each: a part of the config that isn't used, and why.
};

/// The flags before the checkpoint's config before the default, for a model that takes images of that size
/// and number of channels (1 or 3). Fails with ErrorCode::usage where a flag can't be read, or doesn't go
/// with the model.
PreprocessingChoice choose_preprocessing(const PreprocessingOptions& options, const nlohmann::json& config,
                                         int height, int width, int channels);

/// The same for a model whose only input is [1, height, width, channels]. Fails with ErrorCode::dataset where
/// it isn't an image of 1 or 3 channels.
PreprocessingChoice choose_preprocessing(const PreprocessingOptions& options, const nlohmann::json& config,
                                         const std::vector<Shape>& inputs);

/// The same where there is no model: the size is `input_size` (height, width), or else the preprocessing's
/// own, or 224x224, and the channels are those that the preprocessing makes.
PreprocessingChoice choose_preprocessing(
    const PreprocessingOptions& options,
    const std::optional<std::pair<std::int64_t, std::int64_t>>& input_size);

/// The input size (height, width) that --preprocessing names, or else transformers' preprocessor_config or
/// timm's pretrained_cfg in the config, and which of them it was; nothing where neither does.
struct DeclaredSize {
  std::pair<std::int64_t, std::int64_t> size;
  const char* from;
};
std::optional<DeclaredSize> declared_input_size(const PreprocessingOptions& options,
                                                const nlohmann::json& config);

}  // namespace calib8
