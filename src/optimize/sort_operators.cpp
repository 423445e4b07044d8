#include <utility>

#include "optimize/passes.h"

// One execution order for one network, whichever file it came from: the graph walked backwards from its
// outputs, depth first, operands in their order. Each branch so runs to its end before the next begins, which
// also keeps few tensors alive at once. The graph is written anew: what is not reached is gone, constants
// stand where first read.

namespace calib8 {
namespace {

std::vector<OperatorId> canonical_order(const TfliteGraph& graph) {
  std::vector<OperatorId> order;
  std::vector<bool> seen(graph.value_count(), false);     // By tensor: its producer is on the stack or done.
  std::vector<std::pair<OperatorId, std::size_t>> stack;  // An operator and its next input.
  const auto visit = [&](TensorId tensor) {
    if (!tensor.exists() || seen[tensor.index]) return;
    const OperatorId producer = graph.producer(tensor);
    seen[tensor.index] = true;
    if (!producer.exists()) return;
    for (const TensorId output : graph[producer].outputs) seen[output.index] = true;
    stack.emplace_back(producer, 0);
  };
  for (const TensorId output : graph.outputs()) {
    visit(output);
    while (!stack.empty()) {
      auto& [id, next] = stack.back();
      if (next < graph[id].inputs.size()) {
        visit(graph[id].inputs[next++]);
      } else {
        order.push_back(id);
        stack.pop_back();
      }
    }
  }
  return order;
}

TfliteGraph rewritten(const TfliteGraph& graph, const std::vector<OperatorId>& order) {
  TfliteGraph fresh;
  std::vector<TensorId> moved(graph.value_count());
  const auto move = [&](TensorId tensor) {
    if (!tensor.exists()) return tensor;
    TensorId& to = moved[tensor.index];
    if (!to.exists()) to = fresh.add_value(graph[tensor]);
    return to;
  };
  const auto move_all = [&](const std::vector<TensorId>& tensors) {
    std::vector<TensorId> result;
    for (const TensorId tensor : tensors) result.push_back(move(tensor));
    return result;
  };
  fresh.set_inputs(move_all(graph.inputs()));
  for (const OperatorId id : order) {
    const TfliteOperator& op = graph[id];
    // Named first: operands of a braced call may be moved in any order, and ids must not depend on it.
    std::vector<TensorId> inputs = move_all(op.inputs);
    std::vector<TensorId> outputs = move_all(op.outputs);
    fresh.append({op.options, std::move(inputs), std::move(outputs)});
  }
  fresh.set_outputs(move_all(graph.outputs()));
  fresh.input_names = graph.input_names;
  fresh.output_names = graph.output_names;
  return fresh;
}

}  // namespace

bool sort_operators(TfliteGraph& graph) {
  const std::vector<OperatorId> order = canonical_order(graph);
  TfliteGraph fresh = rewritten(graph, order);
  const bool changed = order != graph.nodes() || fresh.value_count() != graph.value_count();
  if (changed) graph = std::move(fresh);
  return changed;
}

}  // namespace calib8
