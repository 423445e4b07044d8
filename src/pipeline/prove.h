#pragma once

#include <cstddef>
#include <memory>

#include "pipeline/gate.h"
#include "pipeline/small_model.h"
#include "pipeline/tasks/choose_tasks.h"

namespace calib8 {

/// Samples to verify on, at most: as many as decide most gates, and whose outputs fit into memory.
std::size_t most_to_verify(const TfliteGraph& graph);

/// What the options ask of a model that is measured on these data.
GateLimits gate_limits(const ExportOptions& options, const RepresentativeData& data);

/// Verifies the written model on LiteRT until the gate is decided, and tells the report.
void prove(ExportRun& run, const LoweredModel& model, const SmallModel& written,
           const RepresentativeData& data, const ModelTasks& tasks,
           const std::shared_ptr<const LiteRt>& litert);

}  // namespace calib8
