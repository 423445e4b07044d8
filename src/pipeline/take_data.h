#pragma once

#include "pipeline/export_run.h"
#include "pipeline/float_model.h"
#include "pipeline/representative_data.h"

namespace calib8 {

/// True for what is calibrated.
bool is_integer(QuantizeTo quantize);

/// Finds, draws and opens the samples for a model, and tells the report. Fails as open_representative_data()
/// and open_given_arrays() say, and with ErrorCode::usage where an output is one of them.
RepresentativeData take_data(ExportRun& run, const LoweredModel& model);

}  // namespace calib8
