#pragma once

#include "pipeline/source.h"

namespace calib8 {

/// Takes what Ultralytics writes beside its networks, as the source's config has it: of "task" it follows how
/// its own predictor preprocesses a picture. Nothing where the config isn't Ultralytics'.
void take_ultralytics(Source& source);

/// Gives a checkpoint's config, which has the attributes of the model's object, the words that Ultralytics'
/// own exports have: the author, the task and the input size (imgsz) of training. `class_name` is the
/// model's, and `outermost` what stands beside it in the file. What isn't Ultralytics' stays as it is.
void name_ultralytics(nlohmann::json& config, const nlohmann::json& outermost, const std::string& class_name);

/// The input's side that Ultralytics trains a task with where nothing else is said, pixels.
std::int64_t ultralytics_size(const nlohmann::json& config);

}  // namespace calib8
