#pragma once

#include "calib8/export.h"
#include "pipeline/samples.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// The arrays of the options as samples for the graph's inputs, channels put last where they come first.
/// Fails with ErrorCode::dataset where values don't fill their shape.
RepresentativeData open_given_arrays(const TfliteGraph& graph, const ExportOptions& options);

}  // namespace calib8
