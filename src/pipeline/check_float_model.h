#pragma once

#include <memory>

#include "pipeline/export_run.h"
#include "pipeline/float_model.h"
#include "pipeline/representative_data.h"
#include "runtime/litert_library.h"

namespace calib8 {

/// Warns of what is wrong before anything is quantized: an input size that nobody named and no image has, and
/// answers of the float model that are little better than chance.
void check_float_model(ExportRun& run, const LoweredModel& model, const RepresentativeData& data,
                       const std::shared_ptr<const LiteRt>& litert);

/// With --check-preprocessing: the usual mistakes on labelled images. Fails with ErrorCode::usage for arrays.
void check_preprocessing_of(ExportRun& run, const LoweredModel& model, const RepresentativeData& data,
                            const std::shared_ptr<const LiteRt>& litert);

}  // namespace calib8
