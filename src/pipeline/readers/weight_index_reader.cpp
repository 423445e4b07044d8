#include "pipeline/readers/model_readers.h"
#include "pipeline/readers/rebuilt_source.h"
#include "read/checkpoint_description.h"
#include "read/chosen_tensors.h"
#include "read/weights/weight_shards.h"

namespace calib8 {
namespace {

Source read(const Data& file, const ExportOptions& options) {
  ShardedWeights weights = read_weight_shards(file, options.model);
  Source source = rebuilt_source(
      checkpoint_of(std::move(weights.tensors), options.model.string(), options.state_dict.value_or("")),
      options);
  for (const auto& [path, data] : weights.files) {
    source.description.external_files.push_back(
        {path.filename().string(), data.size(), sha256(data.bytes())});
    source.other_files.push_back(path);
    source.files.push_back(data);
  }
  return source;
}

std::string inspect_index(const Data& file, const std::filesystem::path& path, bool as_json) {
  const Checkpoint checkpoint = checkpoint_of(read_weight_shards(file, path).tensors, path.string(), {});
  return as_json ? printed(describe_checkpoint(checkpoint))
                 : weights_text(checkpoint, "weights in several files");
}

}  // namespace

const ModelReader weight_index_reader = {"an index of weights", looks_like_weight_index, read, inspect_index,
                                         true};

}  // namespace calib8
