#pragma once

#include <cstddef>
#include <vector>

#include "calibrate/histogram.h"
#include "run/observation_graph.h"
#include "run/observer.h"

namespace calib8 {

/// Histograms of tensors' values, of a part of each tensor in each sample: `counted` values, or all where
/// there aren't many more.
class ValueCounts {
 public:
  ValueCounts(const TfliteGraph& graph, const std::vector<TensorId>& tensors, std::size_t counted,
              ObservationGraph& wanted);

  /// Fails where it meets NaN or infinity, as Extremes does: reductions may pass over a NaN.
  void consume(std::size_t sample, const ModelInstance& model);
  void merge(const ValueCounts& other);
  /// Of each tensor.
  const std::vector<Histogram>& histograms() const { return histograms_; }

 private:
  const TfliteGraph* graph_;
  std::vector<TensorId> tensors_;
  std::vector<std::vector<std::size_t>> positions_;  ///< Of each tensor, among the outputs.
  std::vector<Histogram> histograms_;
};

}  // namespace calib8
