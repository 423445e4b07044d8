#include "pipeline/readers/model_readers.h"

#include <algorithm>
#include <array>

namespace calib8 {
namespace {

/// In the order in which they are asked. A checkpoint takes what no other knows: it names the damage, and
/// formats that calib8 doesn't read.
constexpr std::array readers = {&metadata_reader, &tflite_reader, &onnx_reader, &checkpoint_reader};

}  // namespace

const ModelReader& reader_of(ByteView bytes) {
  return **std::ranges::find_if(readers,
                                [&](const ModelReader* reader) { return reader->looks_like(bytes); });
}

std::string printed(const nlohmann::ordered_json& json) {
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace calib8
