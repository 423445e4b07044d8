#include "calibrate/value_counts.h"

#include "calibrate/not_finite.h"

namespace calib8 {
ValueCounts::ValueCounts(const TfliteGraph& graph, const std::vector<TensorId>& tensors, std::size_t counted,
                         ObservationGraph& wanted)
    : graph_(&graph), tensors_(tensors), histograms_(tensors.size()) {
  for (const TensorId tensor : tensors) positions_.push_back(wanted.pixels(tensor, counted));
}

void ValueCounts::consume(std::size_t sample, const ModelInstance& model) {
  for (std::size_t i = 0; i < positions_.size(); ++i) {
    for (const std::size_t position : positions_[i]) {
      if (!histograms_[i].add(model.float_output(position))) fail_not_finite(*graph_, tensors_[i], sample);
    }
  }
}

void ValueCounts::merge(const ValueCounts& other) {
  for (std::size_t i = 0; i < histograms_.size(); ++i) histograms_[i].merge(other.histograms_[i]);
}

}  // namespace calib8
