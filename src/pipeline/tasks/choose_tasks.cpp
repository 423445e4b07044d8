#include "pipeline/tasks/choose_tasks.h"

#include <fmt/format.h>

#include "base/text.h"
#include "pipeline/gate.h"
#include "pipeline/tasks/detection_labels.h"
#include "recover/recover.h"
#include "run/model_pool.h"

namespace calib8 {
namespace {

/// What the file calls its task, as Ultralytics does; empty where it says nothing.
std::string word_of_file(const LoweredModel& model) {
  const auto word = model.config.find("task");
  return word != model.config.end() && word->is_string() ? word->get<std::string>() : "";
}

/// How many classes the model has, as far as something says it.
std::optional<std::size_t> declared_classes(const ExportRun& run, const LoweredModel& model) {
  if (run.options.num_classes) return static_cast<std::size_t>(*run.options.num_classes);
  if (!run.report.model.class_names.empty()) return run.report.model.class_names.size();
  const auto names = model.config.find("names");  // of a single class, too
  if (names != model.config.end() && (names->is_array() || names->is_object()) && !names->empty())
    return names->size();
  return std::nullopt;
}

std::vector<float> outputs_for_first(const LoweredModel& model, const SampleSource& samples,
                                     const std::shared_ptr<const LiteRt>& litert) {
  ModelPool pool(litert, {runnable(model.graph, model.view().file())}, {1, 1, "looking at the float model"});
  std::vector<float> outputs;
  pool.for_each<Sample>(
      1, [&](std::size_t index) { return samples.load(index); },
      [&](ModelPool::Worker& worker, std::size_t index, const Sample& sample) {
        worker.models.front().run(sample, index);
        outputs = worker.models.front().all_outputs();
      });
  return outputs;
}

/// The outputs as a detector's; nothing where they aren't.
std::optional<DetectionHead> find_head(const ExportRun& run, const LoweredModel& model,
                                       const std::string& word, const RepresentativeData& data,
                                       const std::shared_ptr<const LiteRt>& litert) {
  constexpr std::size_t image_rank = 4, fewest_axes = 3;
  const TfliteGraph& graph = model.graph;
  if (graph.inputs().size() != 1 || graph[graph.inputs()[0]].shape.size() != image_rank) return std::nullopt;
  HeadQuestion question;
  question.task = word;
  question.classes = declared_classes(run, model);
  question.height = static_cast<int>(graph[graph.inputs()[0]].shape[1]);
  question.width = static_cast<int>(graph[graph.inputs()[0]].shape[2]);
  for (const TensorId output : graph.outputs()) {
    question.outputs.push_back(graph[output].shape);
    if (graph[output].shape.size() < fewest_axes) return std::nullopt;
  }
  const std::vector<float> example = outputs_for_first(model, *data.samples.verification, litert);
  question.example = example;
  return recognize_head(question);
}

/// Pictures as they are fed, without labels: arrays.
std::vector<DetectionSample> unlabelled(const TfliteGraph& graph, std::size_t count) {
  const Shape& shape = graph[graph.inputs()[0]].shape;
  const auto height = static_cast<double>(shape[1]), width = static_cast<double>(shape[2]);
  return std::vector<DetectionSample>(count, {{height, width, height, width, 0, 0}, {}});
}

void note(const ExportRun& run, const std::vector<std::string>& notes) {
  for (const std::string& line : notes) {
    if (run.options.note) run.options.note(one_line(line));
  }
}

/// Makes the task for one set of samples.
class DetectionTasks {
 public:
  DetectionTasks(const ExportRun& run, const LoweredModel& model, const RepresentativeData& data,
                 DetectionHead head)
      : run_(run), model_(model), data_(data), head_(std::move(head)) {
    const std::vector<std::string>& of_model = run.report.model.class_names;
    const std::vector<std::string> of_data =
        data.folder ? data.folder->listing.object_names : std::vector<std::string>();
    classes_ = number_objects(of_data, of_model, head_.classes);
    options_.class_names = of_model.empty() ? of_data : of_model;
    options_.most_loss = asked_map_loss(run.options).value_or(DetectionOptions{}.most_loss);
  }

  const std::vector<std::string>& class_notes() const { return classes_.notes; }

  std::unique_ptr<const Task> of(std::shared_ptr<const ImageSource> SampleSets<ImageSource>::*set,
                                 std::size_t count, bool says_notes) const {
    std::vector<DetectionSample> samples;
    if (const auto* images = std::get_if<SampleSets<ImageSource>>(&data_.files)) {
      DetectionLabels labels = read_labels(data_, *(images->*set), classes_);
      samples = std::move(labels.samples);
      if (says_notes) note(run_, labels.notes);
    } else {
      samples = unlabelled(model_.graph, count);
    }
    return std::make_unique<DetectionTask>(head_, std::move(samples), options_);
  }

 private:
  const ExportRun& run_;
  const LoweredModel& model_;
  const RepresentativeData& data_;
  DetectionHead head_;
  ObjectClasses classes_;
  DetectionOptions options_;
};

std::string shapes_of(const TfliteGraph& graph) {
  std::string text;
  for (const TensorId output : graph.outputs())
    text += (text.empty() ? "" : ", ") + to_string(graph[output].shape);
  return text;
}

bool is_detection(const std::string& word) {
  return word == "detect" || word == "segment" || word == "pose";  // the latter two by their boxes
}

}  // namespace

ModelTasks choose_tasks(const ExportRun& run, const LoweredModel& model, const RepresentativeData& data,
                        const std::shared_ptr<const LiteRt>& litert) {
  const TaskKind asked = run.options.task;
  if (asked == TaskKind::classification && classifier_outputs(model.graph) < 2) {
    throw Error(ErrorCode::usage,
                fmt::format("says classification, but the outputs {} are no single one of [1, classes]",
                            shapes_of(model.graph)),
                "--task");
  }
  const std::string word = word_of_file(model);
  const bool by_itself =
      asked == TaskKind::automatic && (word.empty() || is_detection(word)) && data.samples.verification;
  if (asked != TaskKind::detection && !by_itself) return {};
  const auto head = find_head(run, model, word, data, litert);
  if (!head) {
    const std::string unknown =
        fmt::format("the outputs {} are of no detector's form that calib8 knows", shapes_of(model.graph));
    if (asked == TaskKind::detection)
      throw Error(ErrorCode::usage, "says detection, but " + unknown, "--task");
    if (is_detection(word)) note(run, {unknown + ": they are judged by signal to noise"});
    return {};
  }
  const DetectionTasks tasks(run, model, data, *head);
  note(run, tasks.class_notes());
  const bool set_apart = can_compare_on(data.samples.selection.get());
  const SampleSource& compared = set_apart ? *data.samples.selection : *data.samples.calibration;
  return {tasks.of(&SampleSets<ImageSource>::verification, data.samples.verification->size(), true),
          tasks.of(set_apart ? &SampleSets<ImageSource>::selection : &SampleSets<ImageSource>::calibration,
                   compared.size(), false)};
}

}  // namespace calib8
