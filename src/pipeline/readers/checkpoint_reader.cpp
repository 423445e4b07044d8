#include "pipeline/readers/model_readers.h"
#include "pipeline/readers/rebuilt_source.h"
#include "read/checkpoint.h"
#include "read/checkpoint_description.h"

namespace calib8 {
namespace {

Source read(const Data& file, const ExportOptions& options) {
  return rebuilt_source(read_checkpoint(file, options.model.string(), options.state_dict.value_or("")),
                        options);
}

std::string inspect_checkpoint(const Data& file, const std::filesystem::path& path, bool as_json) {
  const Checkpoint checkpoint = read_checkpoint(file, path.string());
  return as_json ? printed(describe_checkpoint(checkpoint)) : weights_text(checkpoint, "PyTorch checkpoint");
}

}  // namespace

const ModelReader checkpoint_reader = {"a checkpoint", [](ByteView) { return true; }, read,
                                       inspect_checkpoint, true};

}  // namespace calib8
