#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/range.h"
#include "run/observation_graph.h"
#include "run/observer.h"

namespace calib8 {

/// The exact least and largest value of tensors, by reductions inside the graph, of small tensors by looking
/// at them: LiteRT's time to read a model grows with the square of its tensors, and a reduction adds four. A
/// tensor behind a fused RELU or RELU6 has zero for its minimum: it isn't below, and a range reaches to zero
/// anyway. x * sigmoid(x) isn't reduced: its extremes follow from those of x.
class Extremes {
 public:
  Extremes(const TfliteGraph& graph, const std::vector<TensorId>& observed, ObservationGraph& wanted);

  /// Fails where a value is NaN or infinite: with ErrorCode::dataset in an input of the graph, else
  /// ErrorCode::model.
  void consume(std::size_t sample, const ModelInstance& model);
  void merge(const Extremes& other);
  /// Of each observed tensor.
  std::vector<Range> ranges() const;

 private:
  struct Tensor {
    TensorId id;
    std::optional<std::size_t> whole;             ///< Position among the outputs: of the values,
    std::optional<std::size_t> minimum, maximum;  ///< or of their extremes.
    std::optional<std::size_t> swish_of;          ///< Position of x among the observed.
  };

  Range range_of(const Tensor& tensor, const ModelInstance& model) const;

  const TfliteGraph* graph_;
  std::vector<Tensor> tensors_;
  std::vector<Range> seen_;
};

}  // namespace calib8
