#include "pipeline/readers/model_readers.h"

#include <algorithm>
#include <array>

namespace calib8 {
namespace {

/// In the order in which they are asked. An index is JSON, as metadata are. Exported programs and checkpoints
/// are both ZIP archives. A checkpoint takes what no other knows: it names the damage, and formats that
/// calib8 doesn't read.
constexpr std::array readers = {&weight_index_reader, &metadata_reader, &tflite_reader,
                                &safetensors_reader,  &onnx_reader,     &exported_program_reader,
                                &checkpoint_reader};

}  // namespace

const ModelReader& reader_of(ByteView bytes) {
  return **std::ranges::find_if(readers,
                                [&](const ModelReader* reader) { return reader->looks_like(bytes); });
}

FolderWeights model_file(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error) ? find_weights(path) : FolderWeights{path, {}};
}

std::string printed(const nlohmann::ordered_json& json) {
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace calib8
