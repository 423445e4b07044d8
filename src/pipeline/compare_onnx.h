#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "report/export_report.h"
#include "runtime/litert_library.h"
#include "samples/sample.h"
#include "write/constant_block.h"

namespace calib8 {

/// Runs model.onnx on ONNX Runtime, in a Python process of its own, and the float TFLite on LiteRT, both on
/// the first few samples. `interpreter` is the Python, else it is looked for. Where it has no calib8 with
/// onnxruntime and numpy, the description says so and the numbers are absent.
OnnxComparison compare_with_onnx(const std::filesystem::path& onnx, const FloatModel& model,
                                 const SampleSource& samples, const std::shared_ptr<const LiteRt>& litert,
                                 const std::optional<std::filesystem::path>& interpreter);

}  // namespace calib8
