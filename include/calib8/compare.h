#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "calib8/export.h"
#include "calib8/report.h"

namespace calib8 {

/// What is compared, and on which samples. Of the options of an export, those that say which files are
/// written and how the model is quantized (format, quantize, calibration, output paths) have no meaning here;
/// `verify_samples` without a number are 100.
struct CompareOptions : ExportOptions {
  /// Names out of compare_methods(); all of them where there is none.
  std::vector<std::string> methods;
  /// .tflite files, whoever made them: same inputs and outputs as the model's, in whatever type, images with
  /// channels last or first.
  std::vector<std::filesystem::path> others;
  /// A folder for the files that were made: NAME.tflite, each with its metadata.
  std::optional<std::filesystem::path> keep_files;
};

/// A way to make a .tflite file.
struct CompareMethod {
  std::string name, description;
};
std::vector<CompareMethod> compare_methods();

struct CompareResult {
  std::string summary;      ///< For people: the table and what it recommends.
  std::string recommended;  ///< A method's name, or the file of another tool as it was given.
  std::string reason;       ///< One sentence.
  Report report;            ///< The same as JSON.
};

/// One model made several ways, calibrated once, and all of them measured against the float model on the same
/// samples, beside files that other tools made. Fails with Error: with ErrorCode::usage for a method that
/// isn't there, ErrorCode::model for a file whose inputs or outputs aren't the model's; else as
/// export_model() does.
CompareResult compare_models(const CompareOptions& options);

}  // namespace calib8
