#include "simplify/linear_branch.h"
#include "simplify/passes.h"

// %x -> Conv 3x3 -> %a
// %x -> Conv 1x1 -> %b
// Add(%a, %b) -> %y                   =>      %x -> Conv 3x3 -> %y
//
// The same for any two of convolution, BatchNormalization and average pooling over one input, and for Sub: a
// network that was trained with parallel branches and not merged afterwards (Ding et al. 2021, "RepVGG"). The
// input itself goes into a depthwise convolution only: elsewhere its factor of 1 would take the other
// weights' levels away.

namespace calib8 {
namespace {

/// How much more one convolution may multiply than its branches, for what it saves: a tensor and its
/// addition. 1x3 and 3x1 in a window of 3x3 are just as much; a dense point beside a wide depthwise window is
/// far beyond.
constexpr double most_growth = 1.5;

/// Products per output that the branches take now.
double cost_of(const LinearBranch& branch) {
  return static_cast<double>(branch.weights.size());
}

bool is_depthwise(const LinearBranch& branch) {
  return branch.depth == 1 && branch.outputs == branch.inputs();
}

/// Whether both operands come of one value, or one of the other: all else needs no closer look.
bool have_one_origin(const OnnxGraph& graph, const OnnxNode& node, OnnxNodeId left, OnnxNodeId right) {
  const auto reads = [&](OnnxNodeId part, OnnxValueId value) {
    return part.exists() && !graph[part].inputs.empty() && graph[part].inputs[0] == value;
  };
  if (reads(left, node.inputs[1]) || reads(right, node.inputs[0])) return true;
  return left.exists() && !graph[left].inputs.empty() && reads(right, graph[left].inputs[0]);
}

std::optional<LinearBranch> merged(const OnnxGraph& graph, const OnnxNode& node, OnnxNodeId left,
                                   OnnxNodeId right) {
  const double sign = node.op_type == "Add" ? 1 : -1;
  const auto branch = [&](OnnxNodeId part) {
    return has_one_reader(graph, part) ? branch_of(graph, part) : std::nullopt;
  };
  const auto a = branch(left), b = branch(right);
  if (a && b && a->input == b->input) {
    auto sum = sum_of(*a, *b, sign);
    return sum && cost_of(*sum) <= most_growth * (cost_of(*a) + cost_of(*b)) ? sum : std::nullopt;
  }
  const auto takes_input = [&](const std::optional<LinearBranch>& part, std::size_t position) {
    return part && is_depthwise(*part) && part->input == node.inputs[position];
  };
  if (takes_input(a, 1)) return sum_of(*a, identity_beside(*a), sign);
  if (takes_input(b, 0)) return sum_of(identity_beside(*b), *b, sign);
  return std::nullopt;
}

}  // namespace

bool merge_parallel_branches(OnnxGraph& graph, OnnxNodeId id) {
  const OnnxNode& node = graph[id];
  if ((node.op_type != "Add" && node.op_type != "Sub") || node.inputs.size() != 2 ||
      !node.inputs[0].exists() || !node.inputs[1].exists() || node.inputs[0] == node.inputs[1])
    return false;
  const OnnxNodeId left = graph.producer(node.inputs[0]), right = graph.producer(node.inputs[1]);
  if (!have_one_origin(graph, node, left, right)) return false;
  const auto branch = merged(graph, node, left, right);
  // Two BatchNormalizations of one input are no convolution yet; whatever reads them may do better.
  const auto is_convolution = [&](OnnxNodeId part) { return part.exists() && graph[part].op_type == "Conv"; };
  if (!branch || (!is_convolution(left) && !is_convolution(right))) return false;
  std::vector<OnnxNodeId> merged_nodes;
  for (const OnnxValueId operand : node.inputs) {
    if (operand != branch->input) merged_nodes.push_back(graph.producer(operand));
  }
  become_convolution(graph, id, *branch);
  for (const OnnxNodeId part : merged_nodes) graph.remove(part);
  return true;
}

}  // namespace calib8
