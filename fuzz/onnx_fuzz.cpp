// Any bytes: they are an ONNX model that simplifies, is written again, and becomes a float TFLite model,
// ready for int8; or they are refused with calib8::Error. Nothing else may happen. No external files: there
// is no folder.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "calib8/error.h"
#include "lower/lower.h"
#include "optimize/optimize.h"
#include "optimize/targets/targets.h"
#include "optimize/validate.h"
#include "read/onnx.h"
#include "simplify/signature.h"
#include "simplify/simplify.h"
#include "write/onnx.h"
#include "write/tflite.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const calib8::Data file = calib8::Data::from_vector(std::vector<std::uint8_t>(data, data + size));
  calib8::looks_like_onnx(file.bytes());
  try {
    calib8::OnnxGraph graph = calib8::read_onnx(file, "input");
    calib8::simplify(graph);
    calib8::write_onnx(graph, [](calib8::ByteView) {});
    calib8::fix_batch(graph, 1);
    calib8::require_static_inputs(graph);
    calib8::simplify(graph);
    calib8::TfliteGraph lowered = calib8::lower(graph);
    calib8::optimize(lowered);
    calib8::require_valid(lowered);
    calib8::serialize_tflite(lowered);
    calib8::prepare_for_int8(lowered, calib8::litert_cpu());
  } catch (const calib8::Error& error) {
    if (error.code() == calib8::ErrorCode::internal) throw;  // a bug of ours: libFuzzer reports it
  }
  return 0;
}
