#include <algorithm>
#include <utility>

#include "optimize/passes.h"
#include "optimize/rewrite.h"
#include "optimize/structure.h"

//   MUL(sigmoid, x)      =>      MUL(x, sigmoid)
//   ADD([1,1,1,1] 3, x)  =>      ADD(x, [1] 3)
//
// The operands of commutative operators get an order that depends on the network alone, so that a checkpoint
// and both exporters give the same model: constants last; else the larger tensor first, then the one nearer
// to the inputs, then by structure. A constant sheds leading dimensions of size 1: broadcasting puts them
// back.

namespace calib8 {
namespace {

/// Operators between the inputs and each tensor, on the longest way.
std::vector<std::uint32_t> depths(const TfliteGraph& graph) {
  std::vector<std::uint32_t> depth(graph.value_count(), 0);
  for (const OperatorId id : graph.nodes()) {
    std::uint32_t deepest = 0;
    for (const TensorId input : graph[id].inputs) {
      if (input.exists()) deepest = std::max(deepest, depth[input.index]);
    }
    for (const TensorId output : graph[id].outputs) depth[output.index] = deepest + 1;
  }
  return depth;
}

bool is_elementwise_binary(const TfliteOperator& op) {
  return is_commutative(op.options) || op.is<tflite::Sub>() || op.is<tflite::Div>();
}

/// Drops leading ones of a float constant, but for one dimension, as long as the other operand gives the
/// rank.
bool shed_dimensions(TfliteGraph& graph, OperatorId id, std::size_t side) {
  const TensorId input = graph[id].inputs[side];
  const TensorId other = graph[id].inputs[1 - side];
  if (!is_float_constant(graph, input) || graph.is_constant(other)) return false;
  const TfliteTensor& constant = graph[input];
  if (graph[other].shape.size() != graph[graph[id].outputs[0]].shape.size() || constant.quantization)
    return false;
  // All leading ones but the last dimension.
  const auto last = constant.shape.empty() ? constant.shape.end() : constant.shape.end() - 1;
  Shape shape(std::find_if(constant.shape.begin(), last, [](std::int64_t size) { return size != 1; }),
              constant.shape.end());
  if (shape.empty() && !graph[other].shape.empty()) shape = {1};
  if (shape == constant.shape) return false;
  graph.set_input(id, side,
                  graph.add_constant(constant.name, Tensor{constant.dtype, shape, *constant.constant}));
  return true;
}

}  // namespace

bool order_operands(TfliteGraph& graph) {
  bool changed = false;
  for (const OperatorId id : graph.nodes()) {
    if (!is_elementwise_binary(graph[id])) continue;
    changed |= shed_dimensions(graph, id, 0);
    changed |= shed_dimensions(graph, id, 1);
  }
  const std::vector<std::uint64_t> hashes = structure_hashes(graph);
  const std::vector<std::uint32_t> depth = depths(graph);
  const auto rank_of = [&](TensorId id) {
    const bool is_constant = graph.is_constant(id);
    const std::int64_t count = element_count(graph[id].shape).value_or(0);
    return std::tuple(is_constant, is_constant ? 0 : -count, depth[id.index], hashes[id.index]);
  };
  for (const OperatorId id : graph.nodes()) {
    if (!is_commutative(graph[id].options)) continue;
    const TensorId a = graph[id].inputs[0], b = graph[id].inputs[1];
    if (!(rank_of(b) < rank_of(a))) continue;
    graph.set_inputs_of(id, {b, a});
    changed = true;
  }
  return changed;
}

}  // namespace calib8
