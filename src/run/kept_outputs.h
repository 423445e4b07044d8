#pragma once

#include <cstddef>
#include <vector>

#include "run/observation_graph.h"
#include "run/observer.h"

namespace calib8 {

/// All outputs of a model, one behind the other, for each sample with a number below a limit.
class KeptOutputs {
 public:
  KeptOutputs(const TfliteGraph& graph, std::size_t limit, ObservationGraph& wanted) : values_(limit) {
    for (const TensorId output : graph.outputs()) positions_.push_back(wanted.whole(output));
  }

  void consume(std::size_t sample, const ModelInstance& model) {
    if (sample >= values_.size()) return;
    for (const std::size_t position : positions_) {
      const std::vector<float> part = model.output(position);
      values_[sample].insert(values_[sample].end(), part.begin(), part.end());
    }
  }
  void merge(const KeptOutputs& other) {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (!other.values_[i].empty()) values_[i] = other.values_[i];
    }
  }
  std::vector<std::vector<float>> take() { return std::move(values_); }

 private:
  std::vector<std::size_t> positions_;
  std::vector<std::vector<float>> values_;
};

}  // namespace calib8
