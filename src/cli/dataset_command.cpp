#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/standard_streams.h"
#include "calib8/dataset.h"
#include "cli/commands.h"
#include "cli/data_flags.h"
#include "cli/help.h"
#include "cli/progress_display.h"
#include "write/atomic_file.h"

namespace calib8::cli {
namespace {

/// The flags as they were given.
struct DatasetFlags {
  DatasetOptions options;
  std::string input_size;
  std::size_t test_batches = 0;
  std::size_t batch_size = 1;
  std::string preview;
  std::size_t preview_samples = 64;
  bool create_module = false;
  std::string output;
  bool json = false;
  bool quiet = false;
};

/// Samples [first, first + count) and what was measured of them.
struct MeasuredBatch {
  std::size_t first = 0;
  std::vector<InputStatistics> inputs;
};

void add_output_flags(CLI::App& command, DatasetFlags& flags) {
  begin_group(command, "Output and run");
  command
      .add_option("--test-batches", flags.test_batches,
                  "Read that many batches and print their statistics (default: 0)")
      ->check(whole_number());
  command.add_option("--batch-size", flags.batch_size, "Samples a batch (default: 1)")
      ->check(whole_number() & CLI::PositiveNumber);
  command.add_option("--preview", flags.preview,
                     "Write an HTML file that shows the samples as the model will see them");
  command.add_option("--preview-samples", flags.preview_samples, "Samples in it at most (default: 64)")
      ->check(whole_number() & CLI::Range(1, 1000));
  command.add_flag("--create-module", flags.create_module,
                   "Write a Python module that yields the same samples with NumPy and Pillow alone");
  command.add_option("--output", flags.output,
                     "The file of --create-module (default: representative_data.py)");
  command.add_option("--threads", flags.options.threads, "Threads (default: all usable cores)")
      ->check(whole_number() & CLI::PositiveNumber);
  command.add_flag("--json", flags.json, "Print the report as JSON on standard output");
  command.add_flag("--quiet", flags.quiet, "No progress and no summary");
}

std::vector<MeasuredBatch> measure_batches(const RepresentativeDataset& dataset, const DatasetFlags& flags,
                                           ProgressDisplay& display) {
  const std::size_t size = flags.batch_size;
  const std::size_t there = (dataset.size() + size - 1) / size;
  const std::size_t count = std::min(flags.test_batches, there);
  std::vector<MeasuredBatch> batches;
  for (std::size_t i = 0; i < count; ++i) {
    batches.push_back({i * size, dataset.measure(i * size, size)});
    display.update({"measuring batches", i + 1, count});
  }
  if (count < flags.test_batches)
    display.note(
        fmt::format("{} of {} batches asked for: there are no more samples", count, flags.test_batches));
  return batches;
}

std::string values_text(const ValueStatistics& values) {
  return fmt::format("min {:.6g}  max {:.6g}  mean {:.6g}  std {:.6g}", values.least, values.most,
                     values.mean, values.deviation);
}

std::string to_text(const std::vector<MeasuredBatch>& batches) {
  std::string text;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    for (const InputStatistics& input : batches[i].inputs) {
      text +=
          fmt::format("  batch {:<4} {}[{}] float32  {}\n", i, input.input.empty() ? "" : input.input + " ",
                      fmt::join(input.shape, ", "), values_text(input.values));
      for (std::size_t c = 0; c < input.channels.size() && input.channels.size() > 1; ++c)
        text += fmt::format("             channel {}  {}\n", c, values_text(input.channels[c]));
    }
  }
  return text;
}

nlohmann::json to_json(const ValueStatistics& values) {
  return {{"min", values.least}, {"max", values.most}, {"mean", values.mean}, {"std", values.deviation}};
}

nlohmann::json to_json(const MeasuredBatch& batch) {
  nlohmann::json inputs = nlohmann::json::array();
  for (const InputStatistics& input : batch.inputs) {
    nlohmann::json entry = to_json(input.values);
    entry["input"] = input.input;
    entry["shape"] = input.shape;
    entry["dtype"] = "float32";
    entry["channels"] = nlohmann::json::array();
    for (const ValueStatistics& channel : input.channels) entry["channels"].push_back(to_json(channel));
    inputs.push_back(std::move(entry));
  }
  return {{"first_sample", batch.first}, {"inputs", std::move(inputs)}};
}

void print_report(const RepresentativeDataset& dataset, const std::vector<MeasuredBatch>& batches) {
  nlohmann::json measured = nlohmann::json::array();
  for (const MeasuredBatch& batch : batches) measured.push_back(to_json(batch));
  StandardOutput output;
  output.write(fmt::format("{{\n \"batches\": {},", measured.dump()));
  bool first = true;
  dataset.report().write([&](std::string_view part) {
    if (first) part.remove_prefix(1);  // its "{": batches are one more member
    first = false;
    output.write(part);
  });
  output.flush();
}

int run_dataset(DatasetFlags& flags) {
  DatasetOptions& options = flags.options;
  if (!flags.input_size.empty()) options.input_size = parse_size(flags.input_size);
  if (!flags.output.empty() && !flags.create_module)
    throw Error(ErrorCode::usage, "is the file of --create-module, which isn't given", "--output");
  const std::string module = flags.output.empty() ? "representative_data.py" : flags.output;
  if (flags.create_module && !flags.preview.empty() && lead_to_same_file(flags.preview, module))
    throw Error(ErrorCode::usage, "two outputs can't be the same file", module);
  ProgressDisplay display(flags.quiet);
  options.progress = [&](const Progress& progress) { display.update(progress); };
  if (options.strict)  // a warning ends the run before the summary that would say all
    options.note = [&](std::string_view line) { display.note(line); };

  const RepresentativeDataset dataset(options);
  const std::vector<MeasuredBatch> batches = measure_batches(dataset, flags, display);
  if (!flags.preview.empty()) dataset.write_preview(flags.preview, flags.preview_samples);
  if (flags.create_module) dataset.write_module(module);
  display.clear();
  std::string summary = dataset.describe() + to_text(batches);
  if (!flags.preview.empty()) summary += fmt::format("  {:<10} {}\n", "preview", flags.preview);
  if (flags.create_module) summary += fmt::format("  {:<10} {}\n", "module", module);
  if (!flags.quiet) flags.json ? write_standard_error(summary) : write_standard_output(summary);
  if (flags.json) print_report(dataset, batches);
  return 0;
}

}  // namespace

void add_dataset_command(CLI::App& program, int& status) {
  CLI::App* command =
      program.add_subcommand("dataset", "Find, check and show the data that would represent a model's input");
  const auto flags = std::make_shared<DatasetFlags>();
  add_data_flags(*command, flags->options);
  begin_group(*command, "Model");
  command->add_option("--model,--checkpoint", flags->options.model,
                      "A .pth, .onnx or float .tflite file whose input size and config are used");
  add_input_flags(*command, flags->options, flags->input_size);
  add_preprocessing_flags(*command, flags->options);
  add_output_flags(*command, *flags);
  command->callback([flags, &status] { status = run_dataset(*flags); });
}

}  // namespace calib8::cli
