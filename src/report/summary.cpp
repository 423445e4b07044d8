#include "report/summary.h"

#include <fmt/format.h>

#include "base/text.h"

namespace calib8 {
namespace {

using nlohmann::json;

/// One line: a word in the margin, then the text. Further lines of the same word leave the margin empty.
class Lines {
 public:
  void add(std::string_view word, const std::string& text) {
    text_ += fmt::format("  {:<11}{}\n", word, one_line(text));  // names may be anything
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string size_text(double bytes) {
  if (bytes < 1e6) return fmt::format("{:.1f} kB", bytes / 1e3);
  return fmt::format("{:.1f} MB", bytes / 1e6);
}

std::string decibels(const json& value) {
  return value.is_null() ? "no error" : fmt::format("{:.1f} dB", value.get<double>());
}

void add_model(Lines& lines, const json& model) {
  const std::string file = model.at("file");
  if (model.at("kind") != "checkpoint") {
    lines.add("model", fmt::format("{} ({})", file, model.at("kind").get<std::string>()));
    return;
  }
  lines.add("model", fmt::format("{}: {}, known by {}", file, model.at("architecture").get<std::string>(),
                                 model.at("recognized_by").get<std::string>()));
  lines.add(
      "", fmt::format("{}; {} classes; input {}x{} (from {})", model.at("head").get<std::string>(),
                      model.at("num_classes").get<long>(), model.at("input_size")[0].get<long>(),
                      model.at("input_size")[1].get<long>(), model.at("input_size_from").get<std::string>()));
}

/// How much of what verifies calibrated, too.
std::string overlap_text(const json& dataset) {
  if (dataset.at("held_out").get<bool>()) return "";
  const long verified = dataset.at("verification_samples").get<long>();
  const long shared = dataset.value("calibrated_and_verified", verified);
  return shared == verified ? " (of the same ones)" : fmt::format(" ({} of the same ones)", shared);
}

void add_data(Lines& lines, const json& report) {
  if (!report.contains("dataset")) return;
  const json& dataset = report.at("dataset");
  const std::string folder = dataset.value("folder", "");
  lines.add("data", folder.empty() ? dataset.at("layout").get<std::string>()
                                   : fmt::format("{}: {}", folder, dataset.at("layout").get<std::string>()));
  const std::size_t skipped = dataset.contains("skipped") ? dataset.at("skipped").size() : 0;
  lines.add("", fmt::format("{} calibrated ({}), {} verified{}{}; seed {}",
                            dataset.at("calibration_samples").get<long>(),
                            report.at("options").at("calibration").get<std::string>(),
                            dataset.at("verification_samples").get<long>(), overlap_text(dataset),
                            skipped ? fmt::format(", {} unreadable skipped", skipped) : "",
                            report.at("options").at("seed").get<long>()));
  if (report.at("preprocessing").is_null()) return;
  const json& preprocessing = report.at("preprocessing");
  lines.add("images", preprocessing.at("description"));
  if (!preprocessing.contains("from")) return;  // the metadata of older versions
  lines.add("", fmt::format("as {} ({})", preprocessing.at("name").get<std::string>(),
                            preprocessing.at("from").get<std::string>()));
}

void add_outputs(Lines& lines, const json& report) {
  const char* word = "wrote";
  const json& outputs = report.at("outputs");
  for (const char* kind : {"onnx", "tflite", "metadata"}) {
    if (!outputs.contains(kind)) continue;
    const json& output = outputs.at(kind);
    std::string text = output.at("path");
    if (output.contains("bytes")) {
      text += fmt::format("  {}, {}", size_text(output.at("bytes").get<double>()),
                          output.at("type").get<std::string>());
    }
    if (output.contains("float_bytes") && output.at("float_bytes") != output.at("bytes")) {
      text += fmt::format(", {:.1f}x smaller",
                          output.at("float_bytes").get<double>() / output.at("bytes").get<double>());
    }
    lines.add(word, text);
    word = "";
  }
}

void add_measurements(Lines& lines, const json& measured) {
  if (!measured.contains("verification")) return;
  const json& verification = measured.at("verification");
  const double float_time = verification.at("latency").at("float_milliseconds");
  const double quantized_time = verification.at("latency").at("quantized_milliseconds");
  lines.add(
      "speed",
      fmt::format("{:.2f} ms, float {:.2f} ms: {:.1f}x faster (this machine, one thread, medians of {})",
                  quantized_time, float_time, float_time / quantized_time,
                  verification.at("latency").at("rounds").get<long>()));
  const long samples = verification.at("samples");
  if (verification.contains("agreement")) {
    const json& agreement = verification.at("agreement");
    lines.add("agreement",
              fmt::format("{} of {} images get the float model's class (95 % interval {:.1f} to {:.1f} %)",
                          agreement.at("agreeing").get<long>(), samples,
                          100 * agreement.at("interval_95")[0].get<double>(),
                          100 * agreement.at("interval_95")[1].get<double>()));
  }
  if (verification.contains("accuracy")) {
    const json& accuracy = verification.at("accuracy");
    lines.add("accuracy",
              fmt::format("{} of {} right, float {}", accuracy.at("quantized_correct").get<long>(),
                          accuracy.at("labelled").get<long>(), accuracy.at("float_correct").get<long>()));
  }
  lines.add("fidelity", fmt::format("{} signal to quantization noise at the output",
                                    decibels(verification.at("sqnr_decibels"))));
  const char* word = "worst";
  for (const json& layer : verification.at("worst_layers")) {
    lines.add(word, fmt::format("{:>8}  {} ({})", decibels(layer.at("sqnr_decibels")),
                                layer.at("tensor").get<std::string>(), layer.at("op").get<std::string>()));
    word = "";
  }
}

}  // namespace

std::string summarize(const json& report) {
  Lines lines;
  add_model(lines, report.at("model"));
  add_data(lines, report);
  add_outputs(lines, report);
  const json& measured = report.at("measured");
  add_measurements(lines, measured);
  if (measured.contains("onnx_comparison"))
    lines.add("onnx", measured.at("onnx_comparison").at("description"));
  if (measured.contains("preprocessing_check"))
    lines.add("checked", measured.at("preprocessing_check").at("verdict"));
  if (measured.contains("verdict")) lines.add("verdict", measured.at("verdict"));
  lines.add("took", fmt::format("{:.1f} s", measured.at("seconds").get<double>()));
  if (measured.contains("next_step")) lines.add("next", measured.at("next_step"));
  return lines.take();
}

}  // namespace calib8
