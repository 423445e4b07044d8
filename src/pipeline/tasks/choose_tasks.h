#pragma once

#include <memory>

#include "pipeline/export_run.h"
#include "pipeline/float_model.h"
#include "pipeline/representative_data.h"
#include "tasks/task.h"

namespace calib8 {

/// What scores the outputs of a model, for each set of samples; null where they are judged as classes or as
/// tensors.
struct ModelTasks {
  std::unique_ptr<const Task> verification;
  std::unique_ptr<const Task> comparison;  ///< Of the samples that candidates are compared on.
};

/// Finds out what the outputs are for: by --task, by the file's own word, and by the outputs' shapes, for
/// which the float model is run once. Notes what a person should know of it. Fails with ErrorCode::usage
/// where --task names something that the outputs can't be.
ModelTasks choose_tasks(const ExportRun& run, const LoweredModel& model, const RepresentativeData& data,
                        const std::shared_ptr<const LiteRt>& litert);

}  // namespace calib8
