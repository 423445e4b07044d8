// Any bytes: they are a float .tflite model that becomes an int8 one, with ranges made up in place of
// calibration; or they are refused with calib8::Error. Nothing else may happen.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "calib8/error.h"
#include "optimize/optimize.h"
#include "optimize/targets/targets.h"
#include "optimize/validate.h"
#include "quantize/apply.h"
#include "quantize/plan.h"
#include "read/tflite.h"
#include "read/tflite_float.h"
#include "write/tflite.h"

namespace {

/// For each tensor a range from a list that has what calibration finds: usual ones, one-sided, single
/// numbers, none.
calib8::Ranges made_up_ranges(const calib8::TfliteGraph& graph) {
  constexpr calib8::Range choices[] = {{-1, 1}, {0, 6}, {-0.3f, 40},     {-3, 0},
                                       {0, 0},  {2, 2}, {-1e-7f, 1e-7f}, {-1e9f, 1e9f}};
  calib8::Ranges ranges(graph.value_count());
  for (std::size_t i = 0; i < ranges.size(); ++i) ranges[i] = choices[i * 7 % std::size(choices)];
  return ranges;
}

void convert(const calib8::Data& file) {
  calib8::TfliteGraph graph = calib8::read_tflite(file, "input");
  calib8::convert_to_float32(graph, "input");
  calib8::optimize(graph);
  calib8::require_valid(graph);
  calib8::serialize_tflite(graph);
  calib8::prepare_for_integers(graph, calib8::litert_cpu());
  const calib8::Plan plan = calib8::make_plan(graph, made_up_ranges(graph), calib8::litert_cpu());
  calib8::apply_plan(graph, plan, calib8::ModelIo::int8, 1);
  calib8::require_valid(graph);
  calib8::serialize_tflite(graph);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const calib8::Data file = calib8::Data::from_vector(std::vector<std::uint8_t>(data, data + size));
  calib8::looks_like_tflite(file.bytes());
  try {
    convert(file);
  } catch (const calib8::Error& error) {
    if (error.code() == calib8::ErrorCode::internal) throw;  // a bug of ours: libFuzzer reports it
  }
  return 0;
}
