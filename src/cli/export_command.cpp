#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/standard_streams.h"
#include "base/text.h"
#include "calib8/export.h"
#include "cli/commands.h"
#include "cli/data_flags.h"
#include "cli/help.h"
#include "cli/progress_display.h"

namespace calib8::cli {
namespace {

/// The flags as they were given.
struct ExportFlags {
  ExportOptions options;
  std::string input_size, verify_samples = "auto";
  bool json = false;
  bool quiet = false;
  bool dump = false;
};

void add_model_flags(CLI::App& command, ExportFlags& flags) {
  ExportOptions& options = flags.options;
  begin_group(command, "Model");
  add_required_model(command, options);
  add_input_flags(command, options, flags.input_size);
  command.add_flag("--keep-output-axes", options.keep_output_axes,
                   "Outputs of four axes keep ONNX's order (default: channels last)");
  command.add_flag("--dynamic-batch", options.dynamic_batch, "Leave the batch of model.onnx open");
}

void add_output_flags(CLI::App& command, ExportFlags& flags) {
  ExportOptions& options = flags.options;
  begin_group(command, "Files");
  add_choice(command, "--format", options.format, "model.onnx alone, or all files (tflite and both)");
  add_choice(command, "--quantize", options.quantize,
             "What the .tflite file holds: int8 throughout, int8 weights beside int16 activations (int16x8) "
             "or beside "
             "float ones, without calibration (dynamic), float16 weights, or float32 (none)");
  add_choice(command, "--io", options.io,
             "Type of the integer model's inputs and outputs; auto: int8, or float32 with int16x8");
  add_choice(command, "--model-input", options.model_input,
             "What an int8 model is fed: the picture's bytes, or what the float model takes; auto: the bytes "
             "where they measure clearly better");
  command.add_option("--output-dir", options.output_dir, "Folder of the files (default: exports)");
  command.add_option("--plan-out", options.plan_out, "Write the quantization plan to this file as JSON");
}

void add_calibration_flags(CLI::App& command, ExportFlags& flags) {
  ExportOptions& options = flags.options;
  begin_group(command, "Calibration");
  add_choice(command, "--calibration", options.calibration, "How activation ranges are chosen");
  add_choice(command, "--effort", options.effort,
             "What is done for accuracy: one way of rounding, or the best of several, measured");
  command
      .add_option("--keep-float", options.keep_float,
                  "Layers that compute in float in the integer model: a name, or a pattern with * and ? "
                  "(repeatable)")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
  command.add_flag("--integer-only", options.integer_only,
                   "Keep no layer in float to pass the gate; without it, those that harm most are");
  command.add_flag(
      "--check-preprocessing", options.check_preprocessing,
      "Run the float model on labelled images under the usual mistakes, and warn where one of them "
      "scores clearly better");
}

std::string number_or_auto(std::string& text) {
  return text == "auto" ? std::string() : whole_number()(text);
}

void add_proof_flags(CLI::App& command, ExportFlags& flags) {
  ExportOptions& options = flags.options;
  begin_group(command, "Proof");
  command
      .add_option("--verify-samples", flags.verify_samples,
                  "Images to verify on, not calibrated on where there are any; auto: as many as the gate "
                  "needs, 200 at most (default: auto)")
      ->check(CLI::Validator(number_or_auto, ""))
      ->type_name("auto|N");
  command.add_option("--min-agreement", options.min_agreement,
                     "Gate of classifiers: share of images on which int8 must choose the float model's class "
                     "(default: 0.98)");
  command.add_option("--min-sqnr", options.min_sqnr,
                     "Gate of other models: signal to quantization noise of each output, in decibels "
                     "(default: 20; none with --min-agreement 0)");
  add_choice(command, "--task", options.task,
             "What the outputs are for, and so what proves the model; auto: what the file, the outputs and "
             "the data tell");
  command.add_option(
      "--max-map-loss", options.max_map_loss,
      "Gate of detectors: how much of the float model's mAP50-95 int8 may lose (default: 0.01; "
      "without labels, five times as much of mAP50 with the float model's boxes as objects)");
  command.add_flag("--require-proof", options.require_proof,
                   "Fail where there are too few images to be sure, too (status 5)");
  command.add_flag("--verify-onnx", options.verify_onnx,
                   "Compare the float TFLite with model.onnx on ONNX Runtime, where Python has it");
}

void add_run_flags(CLI::App& command, ExportFlags& flags) {
  begin_group(command, "Run");
  command.add_option("--threads", flags.options.threads, "Threads (default: all usable cores)")
      ->check(whole_number() & CLI::PositiveNumber);
  command.add_flag("--json", flags.json, "Print the report as JSON on standard output");
  command.add_flag("--quiet", flags.quiet, "No progress and no summary");
  command.add_flag("--dump", flags.dump, "Print both graphs as text, stage by stage, on standard error");
  command.add_option("--disable-pass", flags.options.disabled_passes,
                     "Leave out a pass over the graphs (repeatable)");
  command.add_option("--stop-after", flags.options.stop_after,
                     "Stop behind this pass: print the graph, write no file, end with status 0");
}

/// The summary is on standard error where standard output is the report's. It tells what the files hold as
/// well: where it can't be shown, the export is no less done.
void show_summary(const std::string& summary, bool beside_json) {
  if (beside_json) return write_standard_error(summary);
  try {
    write_standard_output(summary);
  } catch (const Error& error) {
    write_standard_error(fmt::format("calib8: the summary could not be shown: {}\n", error.what()));
  }
}

void print_report(const Report& report) {
  StandardOutput output;
  report.write([&](std::string_view part) { output.write(part); });
  output.flush();
}

int run_export(ExportFlags& flags) {
  ExportOptions& options = flags.options;
  if (!flags.input_size.empty()) options.input_size = parse_size(flags.input_size);
  if (flags.verify_samples != "auto") options.verify_samples = std::stoull(flags.verify_samples);
  ProgressDisplay display(flags.quiet);
  options.progress = [&](const Progress& progress) { display.update(progress); };
  options.note = [&](std::string_view line) { display.note(line); };
  if (flags.dump || options.stop_after)
    options.dump = [](std::string_view text) { write_standard_error(text); };

  const ExportResult result = export_model(options);
  display.clear();
  if (!flags.quiet) show_summary(result.summary, flags.json);
  if (!result.passed) write_standard_error("calib8: " + one_line(result.verdict) + "\n");
  if (flags.json) print_report(result.report);
  return result.passed ? 0 : static_cast<int>(ErrorCode::gate);
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
