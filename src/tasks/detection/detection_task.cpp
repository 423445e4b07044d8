#include "tasks/detection/detection_task.h"

#include <algorithm>
#include <cassert>

#include "tasks/detection/average_precision.h"
#include "tasks/detection/suppress_overlaps.h"

namespace calib8 {
namespace {

constexpr float least_score = 0.001f;
/// Of what counts as an object where the float model's boxes stand for labels.
constexpr float sure_score = 0.25f;
/// A float model below this on its own labels isn't the model of these labels.
constexpr double least_precision = 0.05;
/// Of fewer, keeping them all is no news, and the bootstrap of no difference bounds nothing.
constexpr std::size_t fewest_objects = 20;
constexpr double allowance_without_labels = 5;

}  // namespace

std::vector<FoundBox> DetectionTask::find(std::size_t sample, const std::vector<float>& outputs) const {
  std::vector<FoundBox> found;
  head_.decode(outputs, least_score, found);
  SuppressionOptions options;
  if (!head_.suppresses) options.most_overlap = 1;
  found = suppress_overlaps(std::move(found), options);
  for (FoundBox& box : found) box.at = to_picture(box.at, samples_.at(sample).frame);
  return found;
}

DetectionTask::Found DetectionTask::find_all(Rows outputs) const {
  Found found;
  for (const std::vector<float>& row : outputs) found.push_back(find(found.size(), row));
  return found;
}

TaskScore DetectionTask::score(Rows of_float, Rows of_quantized) const {
  assert(of_float.size() == of_quantized.size() && of_float.size() <= samples_.size());
  TaskScore score{.task = "detection", .outputs = head_.name};
  const Found by_float = find_all(of_float), by_quantized = find_all(of_quantized);
  if (!score_by_labels(by_float, by_quantized, score)) score_by_float(by_float, by_quantized, score);
  if (score.undecided.empty() && score.objects < fewest_objects)
    score.undecided = score.objects == 1 ? "one object is too few to tell"
                                         : std::to_string(score.objects) + " objects are too few to tell";
  return score;
}

/// False where labels tell nothing.
bool DetectionTask::score_by_labels(const Found& of_float, const Found& of_quantized,
                                    TaskScore& score) const {
  Found labelled_float, labelled_quantized;
  Objects objects;
  std::size_t marked = 0;
  for (std::size_t i = 0; i < of_float.size(); ++i) {
    if (!samples_[i].objects) continue;
    objects.push_back(*samples_[i].objects);
    labelled_float.push_back(of_float[i]);
    labelled_quantized.push_back(of_quantized[i]);
    marked += objects.back().size();
  }
  if (marked == 0) return false;
  score.against = "labels";
  score.most_loss = options_.most_loss;
  compare(labelled_float, labelled_quantized, objects, score);
  std::swap(score.measures[0], score.measures[1]);  // mAP50-95 is judged
  return score.measures[1].of_float >= least_precision;
}

void DetectionTask::score_by_float(const Found& of_float, const Found& of_quantized, TaskScore& score) const {
  const bool labels_fail = !score.measures.empty();
  const std::vector<TaskMeasure> by_labels = std::move(score.measures);
  Objects objects;
  for (const std::vector<FoundBox>& boxes : of_float) {
    auto& sure = objects.emplace_back();
    for (const FoundBox& box : boxes) {
      if (box.score >= sure_score) sure.push_back({box.at, box.class_index, false});
    }
  }
  score = {.task = score.task, .outputs = score.outputs, .against = "the float model's boxes"};
  score.most_loss = allowance_without_labels * options_.most_loss;
  compare(of_float, of_quantized, objects, score);
  if (score.objects == 0) score.undecided = "the float model is sure of no object";
  if (labels_fail) {
    for (TaskMeasure measure : by_labels) {
      measure.name += " of labels";
      score.measures.push_back(std::move(measure));
    }
  }
}

void DetectionTask::compare(const Found& of_float, const Found& of_quantized, const Objects& objects,
                            TaskScore& score) const {
  const BoxMatches float_matches(of_float, objects), quantized_matches(of_quantized, objects);
  const MeanPrecision a = float_matches.precision(), b = quantized_matches.precision();
  score.measures = {{"mAP50", a.at_50, b.at_50}, {"mAP50-95", a.at_50_95, b.at_50_95}};
  score.pictures = objects.size();
  score.objects = float_matches.objects();
  const double MeanPrecision::*judged =
      score.against == "labels" ? &MeanPrecision::at_50_95 : &MeanPrecision::at_50;
  score.loss = a.*judged - b.*judged;
  score.bounds = {score.loss, score.loss};
  if (score.objects > 0) {
    score.bounds = resample(objects.size(), [&](std::span<const int> times) {
      return float_matches.precision(times).*judged - quantized_matches.precision(times).*judged;
    });
  }
  const auto of_classes = float_matches.by_class(), of_classes_quantized = quantized_matches.by_class();
  for (std::size_t i = 0; i < of_classes.size(); ++i) {
    score.parts.push_back({name_of(of_classes[i].class_index), of_classes[i].objects,
                           of_classes[i].precision.*judged, of_classes_quantized[i].precision.*judged});
  }
}

std::string DetectionTask::name_of(int class_index) const {
  const auto index = static_cast<std::size_t>(class_index);
  return index < options_.class_names.size() ? options_.class_names[index] : std::to_string(class_index);
}

}  // namespace calib8
