#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "conversion.h"
#include "random_onnx.h"
#include "random_tflite.h"

namespace calib8::property {

/// What doesn't hold, and for which stage.
struct Finding : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What was looked at, so that a test that passes can say what that means.
struct Tally {
  std::map<std::string, std::size_t> onnx_operators, tflite_operators;  ///< How many of each were run.
  std::map<std::string, double> largest_steps;  ///< Of an int8 operator: from exact, in steps of its output.
  std::size_t outputs = 0;                      ///< Compared as a whole: int8 against float.
  std::size_t tight_outputs = 0;  ///< Of these, with a bound below a quarter of what the tensor spans.
};

/// Says each stage's graph where it isn't null, before the stage after it runs.
using Dump = void (*)(const std::string& stage, const std::string& text);

/// The whole way of one graph; throws Finding, or calib8::Error where a stage refuses it.
void check(const RandomOnnxGraph& random, const QuantizationChoices& choices,
           const std::shared_ptr<const LiteRt>& litert, Tally& tally, Dump dump);

void check(const RandomTfliteGraph& random, const QuantizationChoices& choices,
           const std::shared_ptr<const LiteRt>& litert, Tally& tally, Dump dump);

/// The way from a float model on: LiteRT's float32 against `expected`, int8 operator by operator and as a
/// whole. `expected` holds the bounds of float32.
void check_model(const TfliteGraph& model, const std::vector<std::vector<Array>>& samples,
                 const std::vector<std::vector<Array>>& expected, const QuantizationChoices& choices,
                 const std::shared_ptr<const LiteRt>& litert, Tally& tally, Dump dump);

/// The float model's values by the reference evaluator: [sample][TensorId::index].
std::vector<std::vector<Array>> reference_values(const TfliteGraph& graph,
                                                 const std::vector<std::vector<Array>>& samples);

/// int8 against what each operator should make of the numbers that it really got, and against float.
void check_quantized(const QuantizedModel& model, const std::vector<std::vector<Array>>& samples,
                     const QuantizationChoices& choices, const std::shared_ptr<const LiteRt>& litert,
                     Tally& tally);

/// Throws where an element of `measured` is further from `expected` than `factor` times its bound and
/// `slack`.
void require_within(const Array& measured, const Array& expected, double factor, double slack,
                    const std::string& what);

/// float32 keeps four times its bounds, which are to first order and know nothing of how a kernel computes a
/// function.
inline constexpr double float_factor = 4;

}  // namespace calib8::property
