#include "read/weights/model_folder.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.h"
#include "calib8/error.h"
#include "read/weights/json_file.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

/// The most wanted first.
constexpr std::array<const char*, 4> weight_names = {"model.safetensors", "model.safetensors.index.json",
                                                     "pytorch_model.bin", "pytorch_model.bin.index.json"};
constexpr std::array<std::string_view, 5> checkpoint_endings = {".safetensors", ".pth", ".pt", ".ckpt",
                                                                ".bin"};

struct ForeignFile {
  const char* name;
  const char* advice;
};
constexpr std::array<ForeignFile, 7> foreign_files = {{
    {"adapter_config.json",
     "the folder holds an adapter alone: merge it into its model (merge_and_unload) and save that"},
    {"tf_model.h5", "the folder holds weights of TensorFlow: save the model with save_pretrained of PyTorch"},
    {"flax_model.msgpack",
     "the folder holds weights of Flax: save the model with save_pretrained of PyTorch"},
    {"saved_model.pb",
     "the folder is a SavedModel of TensorFlow: convert it to .tflite or ONNX and give that"},
    {".metadata",
     "the folder is a distributed checkpoint: python -m torch.distributed.checkpoint.format_utils "
     "dcp_to_torch FOLDER "
     "FILE makes one file of it"},
    {"zero_to_fp32.py", "the folder is a checkpoint of DeepSpeed: its zero_to_fp32.py makes one file of it"},
    {"model_index.json", "the folder is a pipeline of diffusers: name one of its models' folders"},
}};

std::vector<fs::path> checkpoints_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string ending = lower_case(entry->path().extension().string());
    const bool is_file = entry->is_regular_file(error);
    if (is_file && std::ranges::find(checkpoint_endings, ending) != checkpoint_endings.end())
      found.push_back(entry->path());
  }
  if (error) throw Error(ErrorCode::model, "can't be listed: " + error.message(), folder.string());
  std::ranges::sort(found);
  return found;
}

std::string named(const std::vector<fs::path>& files) {
  std::string text;
  for (const fs::path& file : files) text += (text.empty() ? "" : ", ") + printable(file.filename().string());
  return text;
}

void add_description(const fs::path& file, FolderDescription& found, nlohmann::json& to) {
  std::error_code error;
  if (!fs::exists(file, error)) return;
  const Data data = map_file(file);
  to = parse_json_object(data, file.string());
  found.files.emplace_back(file, data);
}

}  // namespace

FolderWeights find_weights(const fs::path& folder) {
  std::error_code error;
  FolderWeights found;
  for (const char* name : weight_names) {
    if (!fs::exists(folder / name, error)) continue;
    if (found.file.empty()) {
      found.file = folder / name;
    } else if (found.note.empty()) {
      found.note =
          "the folder holds weights twice: " + found.file.filename().string() + " is used, not " + name;
    }
  }
  if (!found.file.empty()) return found;
  for (const ForeignFile& foreign : foreign_files) {
    if (fs::exists(folder / foreign.name, error))
      throw Error(ErrorCode::model, foreign.advice, folder.string());
  }
  const std::vector<fs::path> checkpoints = checkpoints_in(folder);
  if (checkpoints.size() == 1) return {checkpoints.front(), {}};
  throw Error(ErrorCode::model,
              checkpoints.empty()
                  ? "the folder holds no model.safetensors, no pytorch_model.bin and no other checkpoint"
                  : "the folder holds several checkpoints: name one of " + named(checkpoints),
              folder.string());
}

FolderDescription read_folder_description(const fs::path& weights) {
  FolderDescription found;
  if (std::ranges::find(weight_names, weights.filename().string()) == weight_names.end()) return found;
  add_description(weights.parent_path() / "config.json", found, found.config);
  if (!found.files.empty()) found.images_from = "config.json";
  nlohmann::json preprocessor;
  add_description(weights.parent_path() / "preprocessor_config.json", found, preprocessor);
  if (preprocessor.is_null()) return found;
  // transformers wraps models of timm, whose pretrained_cfg then stands in here.
  if (preprocessor.contains("pretrained_cfg")) {
    if (!found.config.contains("pretrained_cfg")) found.images_from = "preprocessor_config.json";
    found.config.insert(preprocessor.begin(), preprocessor.end());
  } else {
    found.images_from = "preprocessor_config.json";
    found.config["preprocessor_config"] = std::move(preprocessor);
  }
  return found;
}

}  // namespace calib8
