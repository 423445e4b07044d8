#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "quantize/activation_ranges.h"
#include "quantize/groups.h"
#include "quantize/operator_types.h"
#include "quantize/scale.h"

namespace calib8 {

/// The scales of all activations, fitted to what kernels can compute.
class FittedScales {
 public:
  /// Begins with the scale of each group's range and raises what lies beyond the target's limits until all
  /// hold; where no scale helps, `types` learns that the operator stays in float.
  FittedScales(const TfliteGraph& graph, const TargetTraits& target, const CompleteRanges& ranges,
               const SharedQuantization& shared, OperatorTypes& types);

  /// Of an activation's quantized form, or a constant operand's own values.
  const Quantization& quantization_of(TensorId activation) const {
    return quantizations_[shared_.index_of(activation)];
  }
  bool was_raised(TensorId activation) const { return raises_[shared_.index_of(activation)] > 0; }

  /// What an operator reads at an input: the tensor's own quantization, or one converted for it where types
  /// differ or the ratio to the output's scale would be too small.
  Quantization operand_quantization(OperatorId id, std::size_t position) const;

  /// The scales of an operator's weights and the scale of what they meet; the operator isn't float.
  std::vector<float> weight_scales(OperatorId id) const;

 private:
  void fit(OperatorId id);
  double needed_scale(OperatorId id) const;
  double largest_scale(OperatorId id) const;
  bool keeps_levels(std::uint32_t group, double scale) const;
  bool raise(std::uint32_t group, double scale);
  void widen_inputs_of_sum(OperatorId id);
  void give_up(OperatorId id, std::string reason);
  void enqueue_around(std::uint32_t group);
  void enqueue(OperatorId id);
  Quantization natural_quantization(OperatorId id, std::size_t position) const;
  double input_scale(OperatorId id, std::size_t position) const;
  const WeightScales& weights_of(OperatorId id) const;

  const TfliteGraph& graph_;
  const TargetTraits& target_;
  const CompleteRanges& ranges_;
  const SharedQuantization& shared_;
  OperatorTypes& types_;
  std::vector<Quantization> quantizations_, initial_;  ///< By group.
  std::vector<int> raises_;
  std::vector<OperatorId> queue_;
  std::vector<bool> is_queued_;  ///< By OperatorId::index.
  mutable std::map<OperatorId, std::shared_ptr<const WeightScales>> weights_;
  mutable std::map<std::pair<TensorId, TensorId>, std::shared_ptr<const WeightScales>> shared_weights_;
  mutable std::map<std::pair<TensorId, DType>, Quantization> constants_;
};

}  // namespace calib8
