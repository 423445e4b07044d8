#pragma once

#include "calibrate/calibrate.h"
#include "ops/target.h"
#include "pipeline/float_model.h"

namespace calib8 {

/// Where outputs are integers whatever happens, gives out each that joins values of very different size
/// (boxes in pixels and scores up to 1) as several outputs, each with a scale of its own: in `model` and in
/// `prepared`, its form for integers, by what was seen of that. Tells the report. model.onnx keeps the one.
void split_unequal_outputs(ExportRun& run, LoweredModel& model, TfliteGraph& prepared,
                           const TargetTraits& target, Observations& seen);

}  // namespace calib8
