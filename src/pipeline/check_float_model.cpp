#include "pipeline/check_float_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "pipeline/float_accuracy.h"
#include "pipeline/preprocessing/check_preprocessing.h"

namespace calib8 {
namespace {

/// Height and width of all images, where they are of one size.
std::optional<std::pair<int, int>> size_of_all(const std::optional<QualityReport>& quality) {
  if (!quality || quality->images == 0) return std::nullopt;
  const Spread &height = quality->height, &width = quality->width;
  if (height.least != height.most || width.least != width.most) return std::nullopt;
  return std::pair(height.least, width.least);
}

/// The images' own, where they are of one, and the usual ones.
std::vector<std::pair<int, int>> sizes_to_try(const RepresentativeData& data) {
  const Preprocessing& steps = data.preprocessing->steps;
  const auto& quality = data.findings.quality;
  const int picture = quality ? std::min(quality->height.median, quality->width.median) : 0;
  std::vector<std::pair<int, int>> sizes = usual_sizes(steps.height, steps.width, picture);
  const auto own = size_of_all(quality);
  constexpr int largest = 512;
  const bool is_new =
      own && *own != std::pair(steps.height, steps.width) && std::ranges::find(sizes, *own) == sizes.end();
  if (is_new && std::max(own->first, own->second) <= largest) sizes.push_back(*own);
  return sizes;
}

void warn(ExportRun& run, const std::string& warning) {
  if (run.options.note) run.options.note("warning: " + one_line(warning));
  run.report.warnings.push_back(warning);
}

/// A size that nobody named, and that is no image's, is seldom what training had.
void check_default_size(ExportRun& run, const RepresentativeData& data) {
  const auto& rebuilt = run.report.model.rebuilt;
  const auto& quality = data.findings.quality;
  const auto own = size_of_all(quality);
  if (!rebuilt || !own || quality->images < 2 || rebuilt->input_size_from != "the default") return;
  const auto [height, width] = *own;
  if (rebuilt->input_size == std::pair<std::int64_t, std::int64_t>(height, width)) return;
  const std::string size = height == width ? fmt::format("{}", width) : fmt::format("{}x{}", height, width);
  warn(run, fmt::format(
                "the input size is {}x{} by default, and all images are {}x{}: if training saw them so, add "
                "--input-size {}",
                rebuilt->input_size.first, rebuilt->input_size.second, height, width, size));
}

}  // namespace

void check_float_model(ExportRun& run, const LoweredModel& model, const RepresentativeData& data,
                       const std::shared_ptr<const LiteRt>& litert) {
  check_default_size(run, data);
  if (data.classes() < 2) return;
  const std::vector<std::string>& classes = data.folder->listing.class_names;
  const std::size_t outputs = classifier_outputs(model.graph);
  if (outputs != classes.size() && run.options.note) {
    run.options.note(fmt::format("the model has {} and the data {} classes, so accuracy isn't measured",
                                 outputs == 0 ? "no output of classes" : std::to_string(outputs) + " outputs",
                                 classes.size()));
  }
  const LabelledAnswers answers =
      ask_float_model(model.view(), *data.samples.calibration, classes, litert, run.threads);
  for (const std::string& warning : judge_answers(answers)) warn(run, warning);
  run.end_stage("look at the float model");
}

void check_preprocessing_of(ExportRun& run, const LoweredModel& model, const RepresentativeData& data,
                            const std::shared_ptr<const LiteRt>& litert) {
  if (!run.options.check_preprocessing) return;
  if (!data.preprocessing)
    throw Error(ErrorCode::usage, "arrays come preprocessed: there is nothing to check",
                "--check-preprocessing");
  const Preprocessing& steps = data.preprocessing->steps;
  OtherSizes other;
  if (run.report.model.rebuilt) other.sizes = sizes_to_try(data);
  other.model_at = [&run](int height, int width) { return float_model_at(run.options, {height, width}); };
  const PreprocessingCheck check =
      check_preprocessing(model.view(), steps, data.to_check, data.classes(), other, litert, run.threads,
                          run.progress("checking the preprocessing"));
  if (run.options.note && check.better) run.options.note("warning: " + check.verdict);
  run.report.measured.preprocessing_check = check;
}

}  // namespace calib8
