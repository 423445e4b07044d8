#pragma once

#include "calib8/export.h"
#include "pipeline/representative_data.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// What options.next_sample gives as samples for the graph's inputs, channels put last where they come first:
/// those that calibrate, then those that verify, then the selection.
/// Fails with ErrorCode::dataset where values don't fill their shape, and where there is no sample.
RepresentativeData open_given_arrays(const TfliteGraph& graph, const ExportOptions& options,
                                     const SampleRequest& request);

}  // namespace calib8
