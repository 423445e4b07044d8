#include "report/xnnpack_partitions.h"

#include <algorithm>
#include <optional>

namespace calib8 {
namespace {

/// Operators of one kind (delegated or not) that can run together. LiteRT fills one group after the other: it
/// takes the kind of the first operator that can run, then whatever else of that kind can run, until nothing
/// more can.
class Grouping {
 public:
  explicit Grouping(const TfliteGraph& graph)
      : graph_(graph), operators_(graph.nodes()), available_(graph.value_count(), false) {
    for (const TensorId id : graph.inputs()) available_[id.index] = true;
    for (const OperatorId id : operators_) {
      is_delegated_.push_back(tflite_op(graph[id].options).runs_on_xnnpack(graph, graph[id]));
    }
    group_.assign(operators_.size(), no_group);
  }

  XnnpackPartitions run() {
    XnnpackPartitions result;
    std::vector<int> number_of_group;
    while (const auto is_delegated = fill_group(static_cast<int>(number_of_group.size()))) {
      number_of_group.push_back(*is_delegated ? result.partitions++ : -1);
    }
    for (const int group : group_) {
      result.partition_of_operator.push_back(
          group == no_group ? -1 : number_of_group[static_cast<std::size_t>(group)]);
    }
    result.delegated_operators = static_cast<int>(std::ranges::count(is_delegated_, true));
    return result;
  }

 private:
  static constexpr int no_group = -1;

  /// Puts what it can into the group and returns its kind; nothing where no operator is left.
  std::optional<bool> fill_group(int group) {
    std::optional<bool> kind;
    for (bool has_grown = true; has_grown;) {
      has_grown = false;
      for (std::size_t i = 0; i < operators_.size(); ++i) {
        const bool fits = group_[i] == no_group && (!kind || *kind == is_delegated_[i]) && can_run(i);
        if (!fits) continue;
        kind = is_delegated_[i];
        group_[i] = group;
        for (const TensorId output : graph_[operators_[i]].outputs) available_[output.index] = true;
        has_grown = true;
      }
    }
    return kind;
  }
  bool can_run(std::size_t index) const {
    return std::ranges::all_of(graph_[operators_[index]].inputs, [&](TensorId id) {
      return !id.exists() || graph_.is_constant(id) || available_[id.index];
    });
  }

  const TfliteGraph& graph_;
  std::vector<OperatorId> operators_;
  std::vector<bool> is_delegated_;
  std::vector<int> group_;
  std::vector<bool> available_;  // by TensorId::index
};

}  // namespace

XnnpackPartitions predict_xnnpack_partitions(const TfliteGraph& graph) {
  return Grouping(graph).run();
}

}  // namespace calib8
