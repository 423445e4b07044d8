#include <algorithm>

#include "ops/onnx_op.h"
#include "simplify/passes.h"

// %a: const, %b: const
//   %sum = Add(%a, %b)      =>   %sum: const
//   %y = Mul(%x, %sum)           %y = Mul(%x, %sum)

namespace calib8 {
namespace {

/// A small file must not ask for much memory: an output may have this many bytes, or twice those of the
/// inputs.
constexpr std::int64_t always_allowed = std::int64_t{1} << 20;

bool is_small_enough(const OnnxGraph& graph, const OnnxNode& node) {
  std::int64_t read = 0;
  for (const OnnxValueId input : node.inputs) {
    if (input.exists()) read += static_cast<std::int64_t>(graph[input].constant->data.size());
  }
  for (const OnnxValueId output : node.outputs) {
    if (!output.exists()) continue;
    const OnnxValue& value = graph[output];
    if (!value.type || !value.type->is_static()) return false;
    const std::optional<std::int64_t> count = element_count(value.type->static_shape());
    const std::int64_t allowed =
        std::max(always_allowed, 2 * read) / static_cast<std::int64_t>(size_of(value.type->dtype));
    if (!count || *count > allowed) return false;
  }
  return true;
}

}  // namespace

bool fold_constants(OnnxGraph& graph, OnnxNodeId id) {
  const OnnxNode& node = graph[id];
  const OnnxOp* op = find_onnx_op(node.op_type);
  if (!op || !op->fold) return false;
  for (const OnnxValueId input : node.inputs) {
    if (input.exists() && !graph[input].constant) return false;
  }
  if (!is_small_enough(graph, node)) return false;

  std::vector<Tensor> results = op->fold(NodeView{graph, node});
  const std::vector<OnnxValueId> outputs = node.outputs;
  if (results.size() < outputs.size()) return false;
  graph.remove(id);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].exists()) continue;
    graph[outputs[i]].type = static_type(results[i].dtype, results[i].shape);
    graph[outputs[i]].constant = std::move(results[i]);
  }
  return true;
}

}  // namespace calib8
