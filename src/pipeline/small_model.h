#pragma once

#include <memory>
#include <vector>

#include "calibrate/calibrate.h"
#include "optimize/targets/targets.h"
#include "pipeline/export_run.h"
#include "pipeline/float_model.h"
#include "pipeline/representative_data.h"
#include "pipeline/tasks/choose_tasks.h"
#include "runtime/litert_library.h"

namespace calib8 {

/// The model that is written, beside the float one.
struct SmallModel {
  TfliteGraph calibrated;  ///< The float graph that was calibrated; the same TensorIds.
  TfliteGraph graph;
  Data file;
  /// For the samples to verify on, where calibration ran them.
  std::vector<std::vector<float>> float_outputs;
};

/// Runs `prepared`, the float model in operators that the target runs in integers, on what calibrates.
Observations observe_model(ExportRun& run, const LoweredModel& model, const TfliteGraph& prepared,
                           const TargetTraits& target, const RepresentativeData& data,
                           const std::shared_ptr<const LiteRt>& litert);

/// Quantizes it as the options say, by what was seen, and tells the report what was decided and what stayed
/// in float.
SmallModel quantize_to_integers(ExportRun& run, const LoweredModel& model, const TfliteGraph& prepared,
                                const TargetTraits& target, const RepresentativeData& data,
                                const ModelTasks& tasks, const Observations& seen,
                                const std::shared_ptr<const LiteRt>& litert);

/// A float model with narrower weights, as --quantize asks for them: float16, or int8 (dynamic), of which
/// it tells the report what was stored.
SmallModel store_weights(ExportRun& run, const TfliteGraph& model);

}  // namespace calib8
