#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "calib8/export.h"
#include "cli/commands.h"
#include "cli/data_flags.h"
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

void add_model_flags(CLI::App& command, ExportFlags& flags) {
  ExportOptions& options = flags.options;
  command
      .add_option("--checkpoint,model", options.model, "A .pth checkpoint, an .onnx or a float .tflite file")
      ->required();
  add_input_flags(command, options, flags.input_size);
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

void add_calibration_flags(CLI::App& command, ExportFlags& flags) {
  ExportOptions& options = flags.options;
  command
      .add_option("--calibration", options.calibration,
                  "How activation ranges are chosen: mse (default), minmax, percentile")
      ->transform(one_of<CalibrationMethod>({{"minmax", CalibrationMethod::minmax},
                                             {"percentile", CalibrationMethod::percentile},
                                             {"mse", CalibrationMethod::mse}}));
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
  if (flags.json) result.report.write([](std::string_view part) { fmt::print("{}", part); });
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
  add_data_flags(*command, flags->options);
  add_preprocessing_flags(*command, flags->options);
  add_calibration_flags(*command, *flags);
  add_proof_flags(*command, *flags);
  add_run_flags(*command, *flags);
  command->callback([flags, &status] { status = run_export(*flags); });
}

}  // namespace calib8::cli
