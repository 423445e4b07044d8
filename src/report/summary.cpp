#include "report/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace calib8 {
namespace {

/// One line: a word in the margin, then the text. Further lines of the same word leave the margin empty.
class Lines {
 public:
  void add(std::string_view word, const std::string& text) {
    text_ += fmt::format("  {:<11}{}\n", word, one_line(text));
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string size_text(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (value < 1e6) return fmt::format("{:.1f} kB", value / 1e3);
  return fmt::format("{:.1f} MB", value / 1e6);
}

std::string decibels(double value) {
  if (std::isnan(value)) return "no numbers (NaN or infinity)";
  if (std::isinf(value)) return value > 0 ? "no error" : "no signal";
  return fmt::format("{:.1f} dB", value);
}

void add_model(Lines& lines, const ModelDescription& model) {
  if (!model.rebuilt) return lines.add("model", fmt::format("{} ({})", model.file, model.kind));
  const RebuiltDescription& rebuilt = *model.rebuilt;
  lines.add("model",
            fmt::format("{}: {}, known by {}", model.file, rebuilt.architecture, rebuilt.recognized_by));
  const std::string classes =
      rebuilt.num_classes == 0 ? "" : fmt::format("; {} classes", rebuilt.num_classes);
  lines.add("", fmt::format("{}{}; input {}x{} (from {})", rebuilt.head, classes, rebuilt.input_size.first,
                            rebuilt.input_size.second, rebuilt.input_size_from));
  if (!model.class_names_from.empty())
    lines.add("", fmt::format("class names from {}", model.class_names_from));
}

/// How much of what verifies calibrated, too.
std::string overlap_text(const DatasetDescription& dataset) {
  const std::uint64_t shared = dataset.calibrated_and_verified;
  if (shared == 0) return "";
  return shared == dataset.verification_samples ? " (of the same ones)"
                                                : fmt::format(" ({} of the same ones)", shared);
}

void add_data(Lines& lines, const ExportReport& report) {
  if (!report.dataset) return;
  const DatasetDescription& dataset = *report.dataset;
  const std::size_t skipped = dataset.folder ? dataset.folder->skipped.size() : 0;
  lines.add("data",
            dataset.folder ? fmt::format("{}: {}", dataset.folder->path, dataset.layout) : dataset.layout);
  const auto& verification = report.measured.verification;
  const std::uint64_t verified = verification ? static_cast<std::uint64_t>(verification->samples)
                                              : dataset.verification_samples.value_or(0);
  lines.add("",
            fmt::format("{} calibrated ({}), {} verified{}{}; seed {}", dataset.calibration_samples,
                        report.options.calibration, verified, overlap_text(dataset),
                        skipped ? fmt::format(", {} unreadable skipped", skipped) : "", report.options.seed));
  if (!report.preprocessing) return;
  lines.add("images", report.preprocessing->description);
  if (!report.preprocessing->from.empty())  // the metadata of older versions has none
    lines.add("", fmt::format("as {} ({})", report.preprocessing->name, report.preprocessing->from));
}

std::string file_text(const WrittenFile& file) {
  std::string text = fmt::format("{}  {}, {}", file.path, size_text(file.bytes), file.type);
  if (file.float_bytes && *file.float_bytes != file.bytes)
    text += fmt::format(", {:.1f}x smaller",
                        static_cast<double>(*file.float_bytes) / static_cast<double>(file.bytes));
  return text;
}

void add_outputs(Lines& lines, const Outputs& outputs) {
  const char* word = "wrote";
  const auto add = [&](const std::string& text) { lines.add(std::exchange(word, ""), text); };
  if (outputs.onnx) add(file_text(*outputs.onnx));
  if (outputs.tflite) add(file_text(*outputs.tflite));
  if (outputs.metadata) add(*outputs.metadata);
}

/// What the integer model computes in float, and why.
void add_float_operators(Lines& lines, const std::vector<OperatorInFloat>& operators) {
  constexpr std::size_t most_named = 3;
  if (operators.empty()) return;
  std::string named;
  for (std::size_t i = 0; i < std::min(operators.size(), most_named); ++i) {
    const auto& [op, output, reason] = operators[i];
    named += fmt::format("{}{} '{}' ({})", named.empty() ? "" : "; ", op, output, reason);
  }
  if (operators.size() > most_named)
    named += fmt::format("; {} more in the metadata", operators.size() - most_named);
  lines.add("in float",
            fmt::format("{} operator{}: {}", operators.size(), operators.size() == 1 ? "" : "s", named));
}

/// Which operators have int8 weights beside float activations: "37 FULLY_CONNECTED (int8 kernel), 1 GATHER
/// (looked up)".
void add_narrow_weights(Lines& lines, const std::vector<NarrowWeights>& weights) {
  if (weights.empty()) return;
  std::vector<std::pair<std::string, int>> kinds;  // in the order in which they first occur
  for (const NarrowWeights& narrow : weights) {
    const std::string kind = fmt::format("{} ({})", narrow.op, narrow.use);
    const auto known = std::ranges::find(kinds, kind, [](const auto& entry) { return entry.first; });
    if (known == kinds.end()) {
      kinds.emplace_back(kind, 1);
    } else {
      ++known->second;
    }
  }
  std::string text;
  for (const auto& [kind, count] : kinds)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, kind);
  lines.add("in int8", "weights of " + text);
}

/// Which way of making the integer model won, and how far it is ahead of the plain one.
void add_comparison(Lines& lines, const CandidateComparison& comparison) {
  if (comparison.chosen >= comparison.candidates.size()) return;
  const auto& chosen = comparison.candidates[comparison.chosen];
  std::string others = fmt::format("best of {}", comparison.candidates.size());
  if (comparison.chosen > 0) others += ", plain " + decibels(comparison.candidates.front().sqnr_decibels);
  lines.add("chosen", fmt::format("{}: {} on {} samples{} ({})", chosen.name, decibels(chosen.sqnr_decibels),
                                  comparison.samples,
                                  comparison.set_apart ? " set apart" : " that calibrated", others));
}

/// What integers gave up for the gate, and what it costs.
void add_mixed_precision(Lines& lines, const MixedPrecisionReport& mixed) {
  std::vector<std::string> parts;
  std::size_t operators = 0;
  for (const auto& island : mixed.islands) operators += island.outputs.size();
  if (operators > 0)
    parts.push_back(fmt::format("{} operator{} that harm{} most", operators, operators == 1 ? "" : "s",
                                operators == 1 ? "s" : ""));
  if (!mixed.float_outputs.empty())
    parts.push_back(fmt::format("output{} {}", mixed.float_outputs.size() == 1 ? "" : "s",
                                fmt::join(mixed.float_outputs, ", ")));
  lines.add(
      "mixed",
      fmt::format("float for {}: {} instead of {}{} ({} models tried; --integer-only forbids it)",
                  fmt::join(parts, " and "), decibels(mixed.decibels_after), decibels(mixed.decibels_before),
                  mixed.reached ? "" : ", less than was asked for", mixed.trials));
  if (operators > 0)
    lines.add("",
              fmt::format("{:.1f} % of the multiplications are in float", 100 * mixed.multiplications_share));
}

void add_moved_outputs(Lines& lines, const std::vector<MovedOutput>& outputs) {
  const auto text = [](const std::vector<std::int64_t>& shape) {
    return fmt::format("[{}]", fmt::join(shape, ", "));
  };
  const char* word = "axes";
  for (const MovedOutput& output : outputs) {
    lines.add(std::exchange(word, ""),
              fmt::format("output {} is {}, channels last; {} in ONNX (--keep-output-axes keeps that)",
                          output.name, text(output.tflite_shape), text(output.onnx_shape)));
  }
}

void add_split_outputs(Lines& lines, const std::vector<SplitOutput>& outputs) {
  const char* word = "outputs";
  for (const SplitOutput& output : outputs) {
    std::vector<std::string> parts;
    for (const SplitOutput::Part& part : output.parts)
      parts.push_back(fmt::format("{} [{}]", part.name, fmt::join(part.shape, ", ")));
    lines.add(std::exchange(word, ""),
              fmt::format("{} [{}] is given as {}: one integer scale can't hold both large and small values",
                          output.name, fmt::join(output.shape, ", "), fmt::join(parts, " and ")));
  }
}

std::string speed_text(const Latency& latency) {
  const double ratio = latency.ratio();
  constexpr double no_difference = 1.03;
  std::string text =
      fmt::format("{:.2f} ms, float {:.2f} ms: ", latency.quantized_milliseconds, latency.float_milliseconds);
  if (ratio >= no_difference)
    text += fmt::format("{:.1f}x faster", ratio);
  else if (1 / ratio >= no_difference)
    text += fmt::format("{:.1f}x slower", 1 / ratio);
  else
    text += "as fast";
  text += fmt::format(" (this machine, one thread, {} rounds in turn", latency.rounds);
  if (!latency.is_reliable())
    text += fmt::format("; unreliable: {:.1f}x to {:.1f}x, as the machine was busy", latency.least_ratio,
                        latency.most_ratio);
  return text + ")";
}

std::string fidelity_text(const Fidelity& fidelity) {
  if (fidelity.dead) return "dead: the same for all samples";
  const auto& [value, low, high] = fidelity.sqnr;
  std::string text = decibels(value);
  if (std::isfinite(value) && std::isfinite(low))
    text += fmt::format(" (95 % interval {:.1f} to {:.1f})", low, high);
  return text;
}

/// Outputs in the order of the model; of many the worst.
void add_outputs_fidelity(Lines& lines, std::vector<OutputFidelity> outputs) {
  constexpr std::size_t most_named = 6;
  if (outputs.size() == 1) {
    const OutputFidelity& output = outputs.front();
    lines.add("fidelity",
              fmt::format("{} signal to quantization noise at the output{}", fidelity_text(output.fidelity),
                          output.cosine ? fmt::format("; cosine {:.4f}", *output.cosine) : ""));
  } else {
    lines.add("fidelity", fmt::format("signal to quantization noise of {} outputs{}", outputs.size(),
                                      outputs.size() > most_named ? ", of which the worst" : ""));
    if (outputs.size() > most_named) {
      std::ranges::stable_sort(outputs, {}, [](const OutputFidelity& output) {
        const double value = output.fidelity.sqnr.decibels;
        return std::isnan(value) ? -INFINITY : value;
      });
      outputs.resize(most_named);
    }
    for (const OutputFidelity& output : outputs)
      lines.add("", fmt::format("{}: {}", output.name, fidelity_text(output.fidelity)));
  }
  for (const OutputFidelity& output : outputs) {
    for (const PartFidelity& part : output.parts)
      lines.add("", fmt::format("  part {} ({}): {}", part.tensor, part.op, fidelity_text(part.fidelity)));
  }
}

/// What the outputs' task came to: its measures, and the classes that lost most.
void add_task(Lines& lines, const TaskScore& score) {
  constexpr std::size_t most_named = 3;
  constexpr double least_named = 0.02;
  std::vector<std::string> measures;
  for (const TaskMeasure& measure : score.measures)
    measures.push_back(
        fmt::format("{} {:.4f}, float {:.4f}", measure.name, measure.of_quantized, measure.of_float));
  lines.add(score.task, fmt::format("{} (against {}: {} pictures, {} objects){}", fmt::join(measures, "; "),
                                    score.against, score.pictures, score.objects,
                                    score.undecided.empty() ? "" : ": " + score.undecided));
  lines.add("", "outputs are " + score.outputs);
  const auto lost = [](const TaskScore::Part& part) { return part.of_float - part.of_quantized; };
  std::vector<TaskScore::Part> parts = score.parts;
  std::erase_if(parts, [&](const TaskScore::Part& part) { return !(lost(part) >= least_named); });
  std::ranges::stable_sort(parts, std::ranges::greater(), lost);
  parts.resize(std::min(parts.size(), most_named));
  for (const TaskScore::Part& part : parts)
    lines.add("", fmt::format("  {}: {:.3f}, float {:.3f} ({} objects)", part.name, part.of_quantized,
                              part.of_float, part.objects));
}

void add_verification(Lines& lines, const Verification& verification) {
  lines.add("speed", speed_text(verification.latency));
  if (const auto& agreement = verification.agreement) {
    lines.add("agreement",
              fmt::format("{} of {} images get the float model's class (95 % interval {:.1f} to {:.1f} %)",
                          agreement->agreeing, verification.samples, 100 * agreement->interval.low,
                          100 * agreement->interval.high));
  }
  if (const auto& accuracy = verification.accuracy) {
    lines.add("accuracy", fmt::format("{} of {} right, float {}", accuracy->quantized_correct,
                                      accuracy->labelled, accuracy->float_correct));
  }
  if (verification.task) add_task(lines, *verification.task);
  if (verification.outputs.empty()) {  // the metadata of older versions has none
    lines.add("fidelity", fmt::format("{} signal to quantization noise at the output",
                                      decibels(verification.sqnr_decibels)));
  } else {
    add_outputs_fidelity(lines, verification.outputs);
  }
  const char* word = "worst";
  for (const LayerError& layer : verification.worst_layers)
    lines.add(std::exchange(word, ""),
              fmt::format("{:>8}  {} ({})", decibels(layer.sqnr_decibels), layer.tensor, layer.op));
}

}  // namespace

std::string summarize(const ExportReport& report) {
  Lines lines;
  for (const std::string& warning : report.warnings) lines.add("first", warning);
  add_model(lines, report.model);
  add_data(lines, report);
  add_outputs(lines, report.outputs);
  if (!report.stopped_after.empty()) {
    lines.add("stopped",
              fmt::format("behind the pass {}, as --stop-after asks; the graph was printed, no file written",
                          report.stopped_after));
  }
  if (report.model_input) lines.add("feed", report.model_input->feed);
  add_moved_outputs(lines, report.moved_outputs);
  add_split_outputs(lines, report.split_outputs);
  add_float_operators(lines, report.float_operators);
  add_narrow_weights(lines, report.narrow_weights);
  const Measured& measured = report.measured;
  if (measured.comparison) add_comparison(lines, *measured.comparison);
  if (measured.mixed_precision) add_mixed_precision(lines, *measured.mixed_precision);
  if (measured.verification) add_verification(lines, *measured.verification);
  if (measured.onnx_comparison) lines.add("onnx", measured.onnx_comparison->description);
  if (measured.preprocessing_check) lines.add("checked", measured.preprocessing_check->verdict);
  if (measured.gate) lines.add("verdict", measured.gate->sentence);
  lines.add("took", fmt::format("{:.1f} s", measured.seconds));
  if (measured.gate && !measured.gate->next_step.empty()) lines.add("next", measured.gate->next_step);
  return lines.take();
}

}  // namespace calib8
