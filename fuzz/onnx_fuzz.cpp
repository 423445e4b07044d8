// Any bytes: they are an ONNX model that simplifies, is written again, and becomes a float TFLite model,
// becomes int8 under made-up ranges, and holds against LiteRT's rules; or they are refused with
// calib8::Error. Nothing else may happen. No external files: there is no folder.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "calib8/error.h"
#include "lower/lower.h"
#include "optimize/optimize.h"
#include "optimize/targets/targets.h"
#include "optimize/validate.h"
#include "quantize/apply.h"
#include "quantize/plan.h"
#include "read/onnx/onnx.h"
#include "simplify/signature.h"
#include "simplify/simplify.h"
#include "write/onnx.h"
#include "write/tflite.h"

namespace {

/// A range for each tensor that calibration would observe: of any size from 1e-12 to 1e12, on either side of
/// zero or on both, or a single point; the same for the same bytes.
calib8::Ranges made_up_ranges(const calib8::TfliteGraph& graph, calib8::ByteView bytes) {
  std::uint64_t state = calib8::hash64(bytes);
  const auto draw = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state >> 40) / static_cast<double>(1 << 24);
  };
  calib8::Ranges ranges(graph.value_count());
  for (const calib8::TensorId tensor : calib8::tensors_to_observe(graph, calib8::litert_cpu())) {
    const double size = std::pow(10.0, 24 * draw() - 12), low = size * (2 * draw() - 1);
    const double width = draw() < 0.1 ? 0.0 : size * draw();
    ranges[tensor.index] = calib8::Range{static_cast<float>(low), static_cast<float>(low + width)};
  }
  return ranges;
}

}  // namespace

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
    calib8::prepare_for_integers(lowered, calib8::litert_cpu());
    const calib8::Plan plan =
        calib8::make_plan(lowered, made_up_ranges(lowered, file.bytes()), calib8::litert_cpu());
    calib8::apply_plan(lowered, plan, calib8::ModelIo::int8, 1);
    calib8::require_valid(lowered, calib8::litert_cpu());
    calib8::serialize_tflite(lowered);
  } catch (const calib8::Error& error) {
    if (error.code() == calib8::ErrorCode::internal) throw;  // a bug of ours: libFuzzer reports it
  }
  return 0;
}
