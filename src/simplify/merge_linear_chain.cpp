#include "simplify/linear_branch.h"
#include "simplify/passes.h"

// %x -> Conv 1x1 -> Conv 3x3 -> %y      =>      %x -> Conv 3x3 -> %y
//
// Likewise for a 1x1 behind any other, where the one has no more weights than the two: a factorization that
// was meant to save work keeps both.

namespace calib8 {

bool merge_linear_chain(OnnxGraph& graph, OnnxNodeId id) {
  const OnnxNode& node = graph[id];
  if (node.op_type != "Conv" || node.inputs.empty() || !node.inputs[0].exists()) return false;
  const OnnxNodeId before = graph.producer(node.inputs[0]);
  if (!has_one_reader(graph, before) || graph[before].op_type != "Conv") return false;
  const auto first = branch_of(graph, before), second = branch_of(graph, id);
  if (!first || !second) return false;
  const auto count = [](const LinearBranch& a, const LinearBranch& b) {
    const LinearBranch& window = a.taps() == 1 ? b : a;
    return static_cast<std::size_t>(a.depth * b.outputs) * window.taps();
  };
  if (count(*first, *second) > first->weights.size() + second->weights.size()) return false;
  const auto chain = chain_of(*first, *second);
  if (!chain) return false;
  become_convolution(graph, id, *chain);
  graph.remove(before);
  return true;
}

}  // namespace calib8
