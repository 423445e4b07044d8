#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "read/state_dict.h"

namespace calib8 {

/// Whether the bytes are an index of weights that are split over several files, as Hugging Face's libraries
/// write it: model.safetensors.index.json, pytorch_model.bin.index.json.
bool looks_like_weight_index(ByteView bytes);

/// A model's tensors out of several files.
struct ShardedWeights {
  std::vector<NamedTensor> tensors;
  std::vector<std::pair<std::filesystem::path, Data>> files;
};

/// Reads the files that an index names: {"weight_map": {tensor: file}}, where the files stand beside the
/// index and are safetensors or state_dicts of torch.save. Each holds the tensors that the index says, and no
/// others. `path` is the index's. Fails with ErrorCode::model.
ShardedWeights read_weight_shards(const Data& index, const std::filesystem::path& path);

}  // namespace calib8
