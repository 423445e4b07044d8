#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calib8/error.h"

namespace calib8 {

enum class OutputFormat { onnx, tflite, both };
enum class QuantizeTo { none, float16, int8 };
enum class DatasetKind { automatic, classification, detection, images, numpy };
enum class CalibrationMethod { minmax, percentile, mse };
enum class ModelIo { int8, uint8, float32 };

/// One input of a sample: float32, row-major, [1, ...] in the layout of the TFLite model (images: [1, height,
/// width, channels]).
struct SampleArray {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// Where an export is, for a progress line. `total` is 0 where the end isn't known.
struct Progress {
  std::string_view stage;  ///< "calibrating", "verifying", ...
  std::size_t done = 0;
  std::size_t total = 0;
};

/// What to export and how; every member's default is the command line's.
struct ExportOptions {
  std::filesystem::path model;  ///< .pth checkpoint, .onnx, or float .tflite
  OutputFormat format = OutputFormat::tflite;
  QuantizeTo quantize = QuantizeTo::int8;

  /// Names of the files: model.onnx, model.tflite, model.tflite.quantization_metadata in `output_dir`, unless
  /// a path is given here.
  std::filesystem::path output_dir = "exports";
  std::optional<std::filesystem::path> onnx_path, tflite_path;
  std::optional<std::filesystem::path> plan_out;  ///< The quantization plan as JSON.

  std::optional<std::filesystem::path>
      dataset_dir;  ///< Or a .txt, .csv, .npy, .npz file. Else ml/data, then data.
  DatasetKind dataset_type = DatasetKind::automatic;
  /// How images become the model's input: a preset (imagenet, torchvision:NAME, timm, ultralytics, tf, raw)
  /// or the path of a JSON file; else what the checkpoint's config says, else imagenet. What follows replaces
  /// single steps of it.
  std::optional<std::string> preprocessing;
  std::vector<float> mean, deviation;  ///< One value, or one per channel in the model's order; empty: kept.
  std::optional<std::string> interpolation;  ///< "bicubic" (Pillow's), "opencv-bilinear", ...
  std::optional<std::string> resize_mode;    ///< "exact", "shortest-side", "cover", "letterbox"
  std::optional<std::string> crop;  ///< Share of the resized side that is kept: "0.875" or "224/256".
  std::optional<std::string> channel_order;  ///< "rgb", "bgr", "gray"
  std::optional<std::string> scale;          ///< What pixels 0..255 are multiplied by: "1/255".
  bool check_preprocessing = false;          ///< Try the usual mistakes on labelled images.
  std::size_t num_calib_samples = 100;
  std::size_t verify_samples = 20;
  /// Metadata of an earlier export, or a JSON list of paths: exactly these samples are used again.
  std::optional<std::filesystem::path> samples_in;
  bool follow_links = false;  ///< Also symbolic links that lead out of dataset_dir.
  bool examine_all = false;   ///< Quality is checked on all images, not on those drawn alone.
  bool strict = false;        ///< Warnings about the quality of the data are errors.
  /// Arrays in place of a dataset, by input name ("" for the only input). The first num_calib_samples
  /// calibrate, what follows verifies.
  std::vector<std::map<std::string, SampleArray>> samples;

  std::optional<std::pair<std::int64_t, std::int64_t>> input_size;  ///< height, width
  std::optional<std::int64_t> num_classes;
  std::optional<std::string> architecture;
  bool dynamic_batch = false;  ///< model.onnx takes any batch; model.tflite always one image.

  CalibrationMethod calibration = CalibrationMethod::mse;
  ModelIo io = ModelIo::int8;
  double min_agreement = 0.98;
  bool verify_onnx = false;
  std::uint64_t seed = 0;
  int threads = 0;  ///< 0: all usable cores.

  std::vector<std::string> disabled_passes;
  std::optional<std::string>
      stop_after;  ///< A pass's name: the graph is printed as `dump` would, and nothing written.
  std::function<void(std::string_view text)> dump;  ///< Receives both graphs' text forms, stage by stage.

  std::function<void(const Progress&)> progress;
  std::function<void(std::string_view line)> note;  ///< Warnings and decisions, one line each, as they occur.
};

/// What was written and measured.
struct ExportResult {
  std::optional<std::filesystem::path> onnx, tflite, metadata;
  bool gate_passed = true;
  std::string verdict;  ///< One sentence on the gate; empty where nothing was verified.
  std::string summary;  ///< For people, several lines.
  std::string report;   ///< The metadata's JSON object.
};

/// The whole way from a model to the files. Fails with Error; a failed gate is no failure here: the files are
/// kept and marked, and the result says so.
ExportResult export_model(const ExportOptions& options);

}  // namespace calib8
