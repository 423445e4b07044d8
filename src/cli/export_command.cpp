#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "calib8/export.h"
#include "cli/commands.h"
#include "cli/progress_display.h"

namespace calib8::cli {
namespace {

/// The flags as they were given.
struct ExportFlags {
  ExportOptions options;
  std::string input_size;
  bool json = false;
  bool quiet = false;
  bool dump = false;
};

template <class T>
CLI::CheckedTransformer one_of(std::map<std::string, T> words) {
  return CLI::CheckedTransformer(std::move(words));
}

/// "224" or "225x161" (height x width)
std::pair<std::int64_t, std::int64_t> parse_size(const std::string& text) {
  const auto number = [&](const std::string& digits) {
    const bool valid =
        !digits.empty() && digits.size() <= 5 && digits.find_first_not_of("0123456789") == std::string::npos;
    const std::int64_t value = valid ? std::stoll(digits) : 0;
    if (value < 1 || value > 16384) {
      throw Error(ErrorCode::usage,
                  "'" + text + "' is not a size; give N or HEIGHTxWIDTH, each from 1 to 16384",
                  "--input-size");
    }
    return value;
  };
  const std::size_t cross = text.find('x');
  if (cross == std::string::npos) return {number(text), number(text)};
  return {number(text.substr(0, cross)), number(text.substr(cross + 1))};
}

void add_model_flags(CLI::App& command, ExportFlags& flags) {
  ExportOptions& options = flags.options;
  command
      .add_option("--checkpoint,model", options.model, "A .pth checkpoint, an .onnx or a float .tflite file")
      ->required();
  command.add_option(
      "--arch", options.architecture,
      "Architecture, as torchvision names it (default: the checkpoint's config, or recognized)");
  command.add_option("--num-classes", options.num_classes, "Number of classes that the checkpoint must have");
  command.add_option("--input-size", flags.input_size,
                     "Height and width of the image, N or HxW (default: the file's own, or 224)");
  command.add_flag("--dynamic-batch", options.dynamic_batch, "Leave the batch of model.onnx open");
}

void add_output_flags(CLI::App& command, ExportFlags& flags) {
  ExportOptions& options = flags.options;
  command.add_option("--format", options.format, "onnx (model.onnx alone), tflite or both (all files)")
      ->transform(one_of<OutputFormat>(
          {{"onnx", OutputFormat::onnx}, {"tflite", OutputFormat::tflite}, {"both", OutputFormat::both}}));
  command.add_option("--quantize", options.quantize, "int8 (default), float16 (weights) or none")
      ->transform(one_of<QuantizeTo>(
          {{"int8", QuantizeTo::int8}, {"float16", QuantizeTo::float16}, {"none", QuantizeTo::none}}));
  command
      .add_option("--io", options.io,
                  "Type of the int8 model's inputs and outputs: int8 (default), uint8, float32")
      ->transform(one_of<ModelIo>(
          {{"int8", ModelIo::int8}, {"uint8", ModelIo::uint8}, {"float32", ModelIo::float32}}));
  command.add_option("--output-dir", options.output_dir, "Folder of the files (default: exports)");
  command.add_option("--plan-out", options.plan_out, "Write the quantization plan to this file as JSON");
}

void add_data_flags(CLI::App& command, ExportFlags& flags) {
  ExportOptions& options = flags.options;
  command.add_option("--dataset-dir,--calibration-dir", options.dataset_dir,
                     "Representative images: a folder, a list (.txt, .csv) or arrays (.npy, .npz) (default: "
                     "ml/data, then data)");
  command
      .add_option("--dataset-type", options.dataset_type,
                  "auto (default), classification, detection, images or numpy")
      ->transform(one_of<DatasetKind>({{"auto", DatasetKind::automatic},
                                       {"classification", DatasetKind::classification},
                                       {"detection", DatasetKind::detection},
                                       {"images", DatasetKind::images},
                                       {"numpy", DatasetKind::numpy}}));
  command
      .add_option("--num-calib-samples", options.num_calib_samples, "Images to calibrate on (default: 100)")
      ->check(CLI::Range(1, 1000000));
  command
      .add_option("--calibration", options.calibration,
                  "How activation ranges are chosen: mse (default), minmax, percentile")
      ->transform(one_of<CalibrationMethod>({{"minmax", CalibrationMethod::minmax},
                                             {"percentile", CalibrationMethod::percentile},
                                             {"mse", CalibrationMethod::mse}}));
  command.add_option("--seed", options.seed, "Of the choice of images (default: 0)");
  command.add_option("--samples-in", options.samples_in,
                     "Use exactly the samples that this metadata file (or JSON list of paths) names");
  command.add_flag("--follow-links", options.follow_links,
                   "Follow symbolic links and listed paths that lead out of the folder");
  command.add_flag("--full", options.examine_all,
                   "Check the quality of all images, not of those drawn alone");
  command.add_flag("--strict", options.strict, "Stop where the data give a warning");
}

void add_preprocessing_flags(CLI::App& command, ExportFlags& flags) {
  ExportOptions& options = flags.options;
  command.add_option(
      "--preprocessing", options.preprocessing,
      "How images become the model's input: imagenet, torchvision:NAME (of an architecture or of "
      "weights), timm, ultralytics, tf (-1..1), raw (0..255), or a JSON file (default: the "
      "checkpoint's config, or imagenet). The flags below replace single steps of it");
  command.add_option(
      "--resize-mode", options.resize_mode,
      "exact (to the input size), shortest-side, cover (both keep proportions and cut the center) or "
      "letterbox (keeps proportions and pads)");
  command.add_option("--crop", options.crop,
                     "Share of the resized side that the center crop keeps, 0.875 or 224/256; without "
                     "--resize-mode, exact becomes shortest-side");
  command.add_option(
      "--interpolation", options.interpolation,
      "nearest, bilinear, bicubic or lanczos (antialiased, as Pillow's), or with opencv- before it "
      "(not antialiased)");
  command.add_option("--channel-order", options.channel_order, "rgb, bgr or gray");
  command.add_option("--scale", options.scale, "What pixels of 0..255 are multiplied by: 1/255, 1");
  command
      .add_option("--mean", options.mean,
                  "Subtracted from scaled pixels: one number, or one per channel in the model's order")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--std", options.deviation, "What is then divided by, likewise")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_flag(
      "--check-preprocessing", options.check_preprocessing,
      "Run the float model on labelled images under the usual mistakes, and warn where one of them "
      "scores clearly better");
}

void add_proof_flags(CLI::App& command, ExportFlags& flags) {
  ExportOptions& options = flags.options;
  command
      .add_option("--verify-samples", options.verify_samples,
                  "Images to verify on, not calibrated on where there are any (default: 20)")
      ->check(CLI::Range(1, 1000000));
  command
      .add_option("--min-agreement", options.min_agreement,
                  "Share of images on which int8 must choose the float model's class (default: 0.98)")
      ->check(CLI::Range(0.0, 1.0));
  command.add_flag("--verify-onnx", options.verify_onnx,
                   "Compare the float TFLite with model.onnx on ONNX Runtime, where Python has it");
}

void add_run_flags(CLI::App& command, ExportFlags& flags) {
  command.add_option("--threads", flags.options.threads, "Threads (default: all usable cores)")
      ->check(CLI::Range(1, 1024));
  command.add_flag("--json", flags.json, "Print the report as JSON on standard output");
  command.add_flag("--quiet", flags.quiet, "No progress and no summary");
  command.add_flag("--dump", flags.dump, "Print both graphs as text, stage by stage, on standard error");
  command.add_option("--disable-pass", flags.options.disabled_passes,
                     "Leave out a pass over the graphs (repeatable)");
  command.add_option("--stop-after", flags.options.stop_after,
                     "Stop behind this pass, print the graph, write nothing");
}

int run_export(ExportFlags& flags) {
  ExportOptions& options = flags.options;
  if (!flags.input_size.empty()) options.input_size = parse_size(flags.input_size);
  ProgressDisplay display(flags.quiet);
  options.progress = [&](const Progress& progress) { display.update(progress); };
  options.note = [&](std::string_view line) { display.note(line); };
  if (flags.dump || options.stop_after)
    options.dump = [](std::string_view text) { fmt::print(stderr, "{}", text); };

  const ExportResult result = export_model(options);
  display.note("");
  if (!flags.quiet) fmt::print(flags.json ? stderr : stdout, "{}", result.summary);
  if (flags.json) fmt::print("{}\n", result.report);
  if (result.gate_passed) return 0;
  std::fflush(stdout);  // the verdict comes last on a terminal
  fmt::print(stderr, "calib8: {}\n", result.verdict);
  return static_cast<int>(ErrorCode::gate);
}

}  // namespace

void add_export_command(CLI::App& program, int& status) {
  CLI::App* command =
      program.add_subcommand("export", "Convert a model, calibrate it, verify it and write the files");
  const auto flags = std::make_shared<ExportFlags>();
  add_model_flags(*command, *flags);
  add_output_flags(*command, *flags);
  add_data_flags(*command, *flags);
  add_preprocessing_flags(*command, *flags);
  add_proof_flags(*command, *flags);
  add_run_flags(*command, *flags);
  command->callback([flags, &status] { status = run_export(*flags); });
}

}  // namespace calib8::cli
