#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "calibrate/choose_range.h"
#include "dataset/sample.h"
#include "runtime/litert_library.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

struct CalibrationOptions {
  RangeMethod method = RangeMethod::mse;
  int threads = 1;
  /// Samples whose tensors are looked at value by value, for a histogram; evenly spread over all samples.
  std::size_t histogram_samples = 48;
  std::function<void(std::size_t done, std::size_t total)> progress;
};

/// Runs the float model on every sample and chooses a range for each of `observed`.
///
/// The exact minimum and maximum come from all samples, histograms (where the method needs them) from some.
/// Where the range could clip, the graph's inputs and outputs keep all that was seen: clipping an input loses
/// data, clipping the top logit the answer. The result is by TensorId::index and doesn't depend on the number
/// of threads.
///
/// Fails with ErrorCode::model where a tensor becomes NaN or infinite, ErrorCode::dataset where a sample
/// can't be had.
std::vector<std::optional<Range>> calibrate(const TfliteGraph& graph, const std::vector<TensorId>& observed,
                                            const SampleSource& samples,
                                            const std::shared_ptr<const LiteRt>& litert,
                                            const CalibrationOptions& options);

}  // namespace calib8
