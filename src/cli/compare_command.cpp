#include <CLI/CLI.hpp>
#include <memory>

#include "base/standard_streams.h"
#include "calib8/compare.h"
#include "cli/commands.h"
#include "cli/data_flags.h"
#include "cli/help.h"
#include "cli/progress_display.h"

namespace calib8::cli {
namespace {

/// The flags as they were given.
struct CompareFlags {
  CompareOptions options;
  std::string input_size;
  std::optional<std::string> keep_files;
  std::size_t verify_samples = 0;
  bool json = false;
  bool quiet = false;
};

std::string method_names() {
  std::string names;
  for (const CompareMethod& method : compare_methods()) names += (names.empty() ? "" : ", ") + method.name;
  return names;
}

void add_model_flags(CLI::App& command, CompareFlags& flags) {
  begin_group(command, "Model");
  add_required_model(command, flags.options);
  add_input_flags(command, flags.options, flags.input_size);
}

void add_comparison_flags(CLI::App& command, CompareFlags& flags) {
  CompareOptions& options = flags.options;
  begin_group(command, "Comparison");
  command
      .add_option("others", options.others,
                  "Files that other tools made of the model, to be ranked with ours")
      ->type_name("TFLITE");
  command
      .add_option("--methods", options.methods,
                  "Which ways, with commas between (default: " + method_names() + ")")
      ->delimiter(',')
      ->type_name("NAMES");
  command.add_option("--keep-files", options.keep_files, "Keep NAME.tflite and its metadata in this folder")
      ->type_name("FOLDER");
  add_choice(command, "--effort", options.effort, "What int8 does for accuracy, as in an export");
  add_choice(command, "--model-input", options.model_input, "What int8 is fed, as in an export");
  command
      .add_option("--verify-samples", flags.verify_samples,
                  "Images that all are measured on, not calibrated on where there are any (default: 200)")
      ->check(whole_number() & CLI::PositiveNumber);
  command.add_option("--min-agreement", options.min_agreement,
                     "Gate of classifiers, as in an export (default: 0.98)");
  command.add_option("--min-sqnr", options.min_sqnr, "Gate of other models, as in an export (default: 20)");
}

void add_run_flags(CLI::App& command, CompareFlags& flags) {
  begin_group(command, "Run");
  command.add_option("--threads", flags.options.threads, "Threads (default: all usable cores)")
      ->check(whole_number() & CLI::PositiveNumber);
  command.add_flag("--json", flags.json, "Print the comparison as JSON on standard output");
  command.add_flag("--quiet", flags.quiet, "No progress, and no table beside JSON");
}

int run_compare(CompareFlags& flags) {
  CompareOptions& options = flags.options;
  if (!flags.input_size.empty()) options.input_size = parse_size(flags.input_size);
  if (flags.verify_samples > 0) options.verify_samples = flags.verify_samples;
  ProgressDisplay display(flags.quiet);
  options.progress = [&](const Progress& progress) { display.update(progress); };
  options.note = [&](std::string_view line) { display.note(line); };
  const CompareResult result = compare_models(options);
  display.clear();
  if (!flags.json) {
    write_standard_output(result.summary);
    return 0;
  }
  if (!flags.quiet) write_standard_error(result.summary);
  StandardOutput output;
  result.report.write([&](std::string_view part) { output.write(part); });
  output.flush();
  return 0;
}

}  // namespace

void add_compare_command(CLI::App& program, int& status) {
  CLI::App* command = program.add_subcommand(
      "compare", "Make a model several ways, and measure them and other tools' files side by side");
  const auto flags = std::make_shared<CompareFlags>();
  add_model_flags(*command, *flags);
  add_comparison_flags(*command, *flags);
  add_data_flags(*command, flags->options);
  add_preprocessing_flags(*command, flags->options);
  add_run_flags(*command, *flags);
  command->callback([flags, &status] { status = run_compare(*flags); });
}

}  // namespace calib8::cli
