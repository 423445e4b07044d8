#include "pipeline/readers/model_readers.h"
#include "pipeline/readers/module_reader.h"
#include "pipeline/readers/rebuilt_source.h"
#include "read/checkpoint.h"
#include "read/checkpoint_description.h"

namespace calib8 {
namespace {

Source read(const Data& file, const ExportOptions& options) {
  const std::string where = options.model.string(), wanted = options.state_dict.value_or("");
  const CheckpointSource opened = open_checkpoint(file, where);
  if (const auto module = find_module(opened.pickle, wanted))
    return read_module(opened, *module, file.size(), options);
  return rebuilt_source(read_checkpoint(opened, file.size(), where, wanted), options);
}

std::string inspect_checkpoint(const Data& file, const std::filesystem::path& path, bool as_json) {
  const CheckpointSource opened = open_checkpoint(file, path.string());
  const auto module = find_module(opened.pickle);
  const Checkpoint checkpoint = module ? read_module_to_inspect(opened, *module, file.size(), path.string())
                                       : read_checkpoint(opened, file.size(), path.string());
  if (as_json) return printed(describe_checkpoint(checkpoint));
  return weights_text(checkpoint, "PyTorch checkpoint", module ? "pickled module" : "state_dict");
}

}  // namespace

const ModelReader checkpoint_reader = {"a checkpoint", [](ByteView) { return true; }, read,
                                       inspect_checkpoint, true};

}  // namespace calib8
