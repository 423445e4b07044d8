#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace calib8 {

/// The file of a folder that holds a model's weights.
struct FolderWeights {
  std::filesystem::path file;
  std::string note;  ///< What else there was; empty where nothing.
};

/// Finds the weights in a folder as Hugging Face's libraries write one: model.safetensors or
/// pytorch_model.bin, whole or as the index of several files; in another folder the only checkpoint of any
/// name. Fails with ErrorCode::model where there is none or no telling which, and for adapters and weights of
/// other frameworks.
FolderWeights find_weights(const std::filesystem::path& folder);

/// What stands beside such weights.
struct FolderDescription {
  /// config.json with preprocessor_config.json as its member "preprocessor_config"; an empty object where
  /// there is neither.
  nlohmann::json config = nlohmann::json::object();
  std::string images_from;  ///< Which of the two says how images are preprocessed, by its name.
  std::vector<std::pair<std::filesystem::path, Data>> files;
};

/// Reads what describes these weights, where they have a name that Hugging Face's libraries give
/// (find_weights); nothing for other names, whose folder may be anyone's. Fails with ErrorCode::model where
/// a file that is there is no JSON.
FolderDescription read_folder_description(const std::filesystem::path& weights);

}  // namespace calib8
