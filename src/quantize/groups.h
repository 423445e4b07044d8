#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "quantize/plan.h"

namespace calib8 {

/// Tensors that must share one scale and zero point because a kernel between them moves bytes (RESHAPE,
/// MAX_POOL_2D) or mixes them (CONCATENATION, MAXIMUM): a disjoint-set forest over the tensors of a graph.
class SharedQuantization {
 public:
  explicit SharedQuantization(const TfliteGraph& graph);

  /// One member that stands for the tensor's group.
  TensorId group_of(TensorId tensor) const;
  /// Set where a kernel prescribes the group's quantization (LOGISTIC writes 1/256).
  const std::optional<Quantization>& fixed(TensorId tensor) const { return fixed_[group_of(tensor).index]; }

  /// Inputs that could not join their reader's group, as another kernel prescribes their quantization.
  struct Outsider {
    OperatorId reader;
    std::size_t position;
  };
  const std::vector<Outsider>& outsiders() const { return outsiders_; }

 private:
  bool join(TensorId a, TensorId b);

  std::vector<std::uint32_t> parent_;
  std::vector<std::optional<Quantization>> fixed_;
  std::vector<Outsider> outsiders_;
};

/// True for tensors that hold real numbers computed at run time.
bool is_activation(const TfliteGraph& graph, TensorId tensor);

}  // namespace calib8
