#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "quantize/disjoint_sets.h"
#include "quantize/operator_types.h"
#include "quantize/plan.h"

namespace calib8 {

/// Activations that share one scale and zero point because a kernel between them moves bytes (RESHAPE,
/// MAX_POOL_2D) or joins them (CONCATENATION, MAXIMUM).
class SharedQuantization {
 public:
  /// `ranges` has one for each activation.
  SharedQuantization(const TfliteGraph& graph, const OperatorTypes& types, const Ranges& ranges);

  struct Group {
    std::vector<TensorId> members;
    DType type = DType::int8;
    Range range;                        ///< Of all members.
    std::optional<Quantization> fixed;  ///< Where a kernel prescribes it (LOGISTIC writes 1/256).
    bool is_symmetric = false;          ///< A kernel wants zero point 0.
    std::size_t uses = 0;  ///< Reads of members, and outputs of the model, beside those that made the group.
  };

  /// The number of the group of an activation.
  std::uint32_t index_of(TensorId tensor) const { return index_[tensor.index]; }
  const Group& group_of(TensorId tensor) const { return groups_[index_of(tensor)]; }
  const std::vector<Group>& groups() const { return groups_; }

  /// True for an input that its reader must have converted to its output's quantization: another kernel
  /// prescribes the input's own, or the tensor would lose too much by sharing.
  bool is_converted(Operand operand) const { return converted_.contains(operand); }

 private:
  void join_moved_bytes();
  void join_parts();
  void join_parts_of(OperatorId id);
  bool may_share(OperatorId id, TensorId part, const std::vector<TensorId>& parts);
  void note_symmetric_inputs();
  void number_groups();
  Group& of(TensorId tensor) { return sets_of_[sets_.find(tensor.index)]; }
  void join(TensorId input, TensorId output);

  const TfliteGraph& graph_;
  const OperatorTypes& types_;
  DisjointSets sets_;
  std::vector<Group> sets_of_;  ///< While joining, at the set's representative.
  std::set<Operand> converted_;
  std::vector<std::uint32_t> index_;
  std::vector<Group> groups_;
};

}  // namespace calib8
