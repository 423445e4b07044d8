#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calib8/choices.h"

namespace calib8 {

/// One input of a sample: float32, row-major, [1, ...] in the layout of the TFLite model (images: [1, height,
/// width, channels]).
struct SampleArray {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// Where a long run is, for a progress line. `total` is 0 where the end isn't known.
struct Progress {
  std::string_view stage;  ///< "calibrating", "verifying", ...
  std::size_t done = 0;
  std::size_t total = 0;
};

/// How images become the model's input. Every member's default is the command line's.
struct PreprocessingOptions {
  /// A preset (imagenet, torchvision:NAME, timm, ultralytics, tf, raw) or the path of a JSON file; else what
  /// the checkpoint's config says, else imagenet. What follows replaces single steps of it.
  std::optional<std::string> preprocessing;
  std::vector<float> mean, deviation;  ///< One value, or one per channel in the model's order; empty: kept.
  std::optional<std::string> interpolation;  ///< "bicubic" (Pillow's), "opencv-bilinear", ...
  std::optional<std::string> resize_mode;    ///< "exact", "shortest-side", "cover", "letterbox"
  std::optional<std::string> crop;  ///< Share of the resized side that is kept: "0.875" or "224/256".
  std::optional<std::string> channel_order;  ///< "rgb", "bgr", "gray"
  std::optional<std::string> scale;          ///< What pixels 0..255 are multiplied by: "1/255".
};

/// Which data represent what a model will see, and for which model.
struct DatasetOptions : PreprocessingOptions {
  /// .pth checkpoint, .onnx, or float .tflite. An export needs it; a data set alone does not, and then
  /// input_size and the preprocessing say what the input is.
  std::filesystem::path model;
  std::optional<std::pair<std::int64_t, std::int64_t>> input_size;  ///< height, width
  /// Of an ONNX file, by the input's name: sizes that it leaves open (ONNX's order of axes), and inputs that
  /// become constants, with one number for all elements or as many as there are, row by row.
  std::map<std::string, std::vector<std::int64_t>> input_shapes;
  std::map<std::string, std::vector<double>> input_values;
  std::optional<std::int64_t> num_classes;
  std::optional<std::string> architecture;
  /// Which of several state_dicts in a checkpoint: the keys to it ("ema", "checkpoint.model_ema"), or what
  /// its tensors' names begin with ("student"). Else the most usual one, which is said.
  std::optional<std::string> state_dict;
  /// What runs between the linear layers of a head of one's own, which no state_dict tells: "relu", "gelu",
  /// "silu", "hardswish", "leaky_relu", "tanh", "sigmoid", "elu" or "none". Else relu, which is said.
  std::optional<std::string> head_activation;

  std::optional<std::filesystem::path>
      dataset_dir;  ///< Or a .txt, .csv, .yaml, .json, .npy, .npz file. Else ml/data, then data.
  DatasetKind dataset_type = DatasetKind::automatic;
  ArrayLayout array_layout = ArrayLayout::automatic;
  ClassOrder class_order = ClassOrder::automatic;
  /// The column of a table of images that holds their classes, by its header. Empty: the likeliest, which is
  /// said.
  std::string class_column;
  std::size_t num_samples = 100;  ///< That calibrate.
  std::uint64_t seed = 0;
  /// Metadata of an earlier export, a report of RepresentativeDataset, or a JSON list of paths: exactly these
  /// samples are used again.
  std::optional<std::filesystem::path> samples_in;
  bool follow_links = false;  ///< Also symbolic links that lead out of dataset_dir.
  bool examine_all = false;   ///< Quality is checked on all images, not on those drawn alone.
  bool strict = false;        ///< Warnings about the quality of the data are errors.

  int threads = 0;  ///< 0: all usable cores.
  std::function<void(const Progress&)> progress;
  std::function<void(std::string_view line)> note;  ///< Warnings and decisions, one line each, as they occur.
};

}  // namespace calib8
