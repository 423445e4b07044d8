#pragma once

#include <filesystem>
#include <string>

#include "calib8/error.h"

namespace calib8 {

/// A readable table of any file that calib8 reads or writes (.pth, .onnx, .tflite, quantization metadata), or
/// the same as JSON. Fails with Error.
std::string inspect(const std::filesystem::path& file, bool as_json);

}  // namespace calib8
