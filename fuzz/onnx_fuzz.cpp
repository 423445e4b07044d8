// Any bytes: they are an ONNX model that simplifies and is written again, or they are refused with calib8::Error;
// nothing else may happen. No external files: there is no folder.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "calib8/error.h"
#include "read/onnx.h"
#include "simplify/simplify.h"
#include "write/onnx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const calib8::Data file = calib8::Data::from_vector(std::vector<std::uint8_t>(data, data + size));
  calib8::looks_like_onnx(file.bytes());
  try {
    calib8::OnnxGraph graph = calib8::read_onnx(file, "input");
    calib8::simplify(graph);
    calib8::write_onnx(graph, [](calib8::ByteView) {});
  } catch (const calib8::Error& error) {
    if (error.code() == calib8::ErrorCode::internal) throw;  // a bug of ours: libFuzzer reports it
  }
  return 0;
}
