#include "pipeline/compare/compare_methods.h"

#include <fmt/format.h>

#include <algorithm>

namespace calib8 {
namespace {

struct Method {
  CompareMethod told;
  QuantizeTo quantize;
  CalibrationMethod calibration = CalibrationMethod::mse;
  std::optional<Effort> effort = Effort::fast;  ///< Nothing: as it was asked for.
};

const std::vector<Method>& all_methods() {
  using enum QuantizeTo;
  using enum CalibrationMethod;
  static const std::vector<Method> methods = {
      {{"float32", "the model as it is"}, none},
      {{"float16", "weights as float16"}, float16},
      {{"dynamic", "weights as int8, activations in float"}, dynamic},
      {{"int8-minmax", "ranges of all that was seen"}, int8, minmax},
      {{"int8-percentile", "ranges of all but rare values"}, int8, percentile},
      {{"int8-mse", "ranges of least error"}, int8, mse},
      {{"int8", "what an export writes: the best of several"}, int8, mse, std::nullopt},
      {{"int16x8", "int8 weights, int16 activations"}, int16x8},
  };
  return methods;
}

const Method& find_method(const std::string& name) {
  const auto found =
      std::ranges::find_if(all_methods(), [&](const Method& m) { return m.told.name == name; });
  if (found != all_methods().end()) return *found;
  std::string names;
  for (const Method& method : all_methods()) names += (names.empty() ? "" : ", ") + method.told.name;
  throw Error(ErrorCode::usage, fmt::format("'{}' is none of {}", name, names), "--methods");
}

}  // namespace

std::vector<CompareMethod> compare_methods() {
  std::vector<CompareMethod> told;
  for (const Method& method : all_methods()) told.push_back(method.told);
  return told;
}

ExportOptions options_of_method(const CompareOptions& options, const std::string& name) {
  const Method& method = find_method(name);
  ExportOptions chosen = options;
  chosen.format = OutputFormat::tflite;
  chosen.quantize = method.quantize;
  chosen.calibration = method.calibration;
  chosen.effort = method.effort.value_or(options.effort);
  if (method.quantize != QuantizeTo::int8) chosen.io = ModelIo::automatic;
  if (method.effort) chosen.model_input = ModelInput::automatic;
  chosen.onnx_path = chosen.tflite_path = chosen.plan_out = std::nullopt;
  if (options.keep_files) {
    chosen.output_dir = *options.keep_files;
    chosen.tflite_path = *options.keep_files / (name + ".tflite");
  }
  return chosen;
}

std::vector<std::string> chosen_methods(const CompareOptions& options) {
  std::vector<std::string> names;
  for (const std::string& name : options.methods) {
    find_method(name);
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  if (!names.empty()) return names;
  for (const Method& method : all_methods()) names.push_back(method.told.name);
  return names;
}

}  // namespace calib8
