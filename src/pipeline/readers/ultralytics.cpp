#include "pipeline/readers/ultralytics.h"

#include <algorithm>

#include "base/text.h"
#include "image/preprocessing_json.h"
#include "image/preprocessing_presets.h"

namespace calib8 {
namespace {

std::string text_in(const nlohmann::json& config, const char* key) {
  return config.contains(key) && config[key].is_string() ? config[key].get<std::string>() : std::string();
}

struct NamedTask {
  std::string_view class_name, task;
};
constexpr std::string_view models = "ultralytics.nn.tasks.";
constexpr NamedTask tasks[] = {{"DetectionModel", "detect"},
                               {"SegmentationModel", "segment"},
                               {"PoseModel", "pose"},
                               {"OBBModel", "obb"},
                               {"ClassificationModel", "classify"}};

}  // namespace

void take_ultralytics(Source& source) {
  nlohmann::json& config = source.description.config;
  const std::string task = text_in(config, "task");
  const bool is_ultralytics =
      text_in(config, "author") == "Ultralytics" || text_in(config, "description").starts_with("Ultralytics");
  if (!is_ultralytics || task.empty()) return;
  if (task == "classify") {
    Preprocessing p = *find_preset("raw");  // shortest side and center crop, 0..1
    p.name = "ultralytics classify";
    p.divisor = 255;
    p.resize_mode = ResizeMode::shortest_side;
    config["preprocessing"] = to_json(p);
  } else {
    config["preprocessing"] = "ultralytics";
  }
  source.description.notes.push_back("the file's metadata say Ultralytics, task " + one_line(task, 100) +
                                     ": its images are preprocessed as Ultralytics does it");
}

void name_ultralytics(nlohmann::json& config, const nlohmann::json& outermost,
                      const std::string& class_name) {
  if (!class_name.starts_with(models)) return;
  const auto task = std::ranges::find(tasks, class_name.substr(models.size()), &NamedTask::class_name);
  if (task == std::end(tasks)) return;
  config["author"] = "Ultralytics";
  config["task"] = task->task;
  for (const nlohmann::json* arguments : {&outermost, static_cast<const nlohmann::json*>(&config)}) {
    const char* key = arguments == &outermost ? "train_args" : "args";
    if (!arguments->contains(key) || !(*arguments)[key].is_object() || !(*arguments)[key].contains("imgsz"))
      continue;
    config["imgsz"] = (*arguments)[key]["imgsz"];
    return;
  }
}

std::int64_t ultralytics_size(const nlohmann::json& config) {
  return text_in(config, "author") != "Ultralytics" || text_in(config, "task") == "classify" ? 224 : 640;
}

}  // namespace calib8
