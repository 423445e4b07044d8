#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calib8/choices.h"
#include "calib8/dataset_options.h"
#include "calib8/error.h"
#include "calib8/report.h"

namespace calib8 {

/// What to export and how; every member's default is the command line's. `model` must be given.
struct ExportOptions : DatasetOptions {
  OutputFormat format = OutputFormat::tflite;
  QuantizeTo quantize = QuantizeTo::int8;

  /// Names of the files: model.onnx, model.tflite, model.tflite.quantization_metadata in `output_dir`, unless
  /// a path is given here.
  std::filesystem::path output_dir = "exports";
  std::optional<std::filesystem::path> onnx_path, tflite_path;
  std::optional<std::filesystem::path> plan_out;  ///< The quantization plan as JSON.

  bool check_preprocessing = false;  ///< Try the usual mistakes on labelled images.
  /// Samples to verify on; without a number as many as the gate needs, 200 at most.
  std::optional<std::size_t> verify_samples;
  /// Samples in place of a dataset: arrays by input name ("" for the only input), one sample a call, nothing
  /// at the end. The first num_samples calibrate, the next verify_samples (or 200) verify, and where `effort`
  /// compares candidates, it is called for up to 60 more.
  /// They are kept in a temporary file, not in memory.
  std::function<std::optional<std::map<std::string, SampleArray>>()> next_sample;

  /// Outputs of rank 4 keep ONNX's order of axes; else they are channels last, as TFLite's feature maps are.
  bool keep_output_axes = false;
  bool dynamic_batch = false;  ///< model.onnx takes any batch; model.tflite always one image.

  CalibrationMethod calibration = CalibrationMethod::mse;
  Effort effort = Effort::balanced;
  ModelIo io = ModelIo::automatic;
  /// Patterns (* and ? stand for any characters and for one) of names of layers that are to compute in float
  /// in the integer model: what inspect and the summary call them, or the weights' names.
  std::vector<std::string> keep_float;
  /// Nothing stays in float to pass the gate: only what has no integer kernel, and what keep_float names.
  bool integer_only = false;
  /// What an int8 model with an input of int8 or uint8 is fed; float32 and float16 files take pixels only
  /// where that is asked for. ModelInput::pixels fails where the normalization can't be moved into the first
  /// layers (ErrorCode::model), and where the samples are no pictures (ErrorCode::dataset).
  ModelInput model_input = ModelInput::automatic;
  double min_agreement = 0.98;  ///< The gate of classifiers: the share of samples that get the same class.
  /// The gate of all others: decibels of each output. Without a number 20, or nothing where min_agreement is
  /// 0 and so no gate is wanted.
  std::optional<double> min_sqnr;
  TaskKind task = TaskKind::automatic;  ///< What the outputs are for.
  /// The gate of detectors: how much of the float model's mAP50-95 may be lost, 0 to 1. Without labels, five
  /// times as much of mAP50 with the float model's own boxes as the objects. Without a number 0.01, or no
  /// gate where min_agreement is 0.
  std::optional<double> max_map_loss;
  bool require_proof = false;  ///< Whether a verdict of unproven fails, too.
  bool verify_onnx = false;    ///< Compare model.onnx, on ONNX Runtime in Python, with the float .tflite.
  std::optional<std::filesystem::path>
      python;  ///< The interpreter for that; else the one beside calib8 or on PATH.

  std::vector<std::string> disabled_passes;
  std::optional<std::string>
      stop_after;  ///< A pass's name: the graph is printed as `dump` would, and nothing written.
  std::function<void(std::string_view text)> dump;  ///< Receives both graphs' text forms, stage by stage.
};

/// What was written and measured.
struct ExportResult {
  std::optional<std::filesystem::path> onnx, tflite, metadata;
  std::optional<Verdict> gate;  ///< Nothing where nothing was verified.
  bool passed = true;           ///< False where the gate failed, or where proof was required and isn't there.
  std::string verdict;          ///< One sentence on the gate; empty where nothing was verified.
  std::string summary;          ///< For people, several lines.
  Report report;                ///< What the metadata file holds.
};

/// The whole way from a model to the files. Fails with Error; a failed gate is no failure here: the files are
/// kept and marked, and the result says so.
ExportResult export_model(const ExportOptions& options);

}  // namespace calib8
