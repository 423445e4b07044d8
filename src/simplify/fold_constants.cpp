#include <algorithm>

#include "ops/onnx_op.h"
#include "simplify/passes.h"

// %a: const, %b: const
//   %sum = Add(%a, %b)      =>   %sum: const
//   %y = Mul(%x, %sum)           %y = Mul(%x, %sum)

namespace calib8 {
namespace {

/// A small file must not ask for much memory. The outputs of one node may have this many bytes, or twice as
/// many elements as its inputs; and all folding together may make the constants larger by `most_growth`
/// bytes.
constexpr std::int64_t always_allowed = std::int64_t{1} << 20;
constexpr std::int64_t most_growth = std::int64_t{1} << 26;

/// The node's inputs, each once.
std::vector<OnnxValueId> distinct_inputs(const OnnxNode& node) {
  std::vector<OnnxValueId> inputs = node.inputs;
  std::sort(inputs.begin(), inputs.end());
  inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
  std::erase_if(inputs, [](OnnxValueId input) { return !input.exists(); });
  return inputs;
}

/// True where nobody else needs the constant: it goes when the node goes.
bool dies_with(const OnnxGraph& graph, OnnxValueId value, OnnxNodeId node) {
  const std::vector<OnnxNodeId>& users = graph.users(value);
  return !graph.is_output(value) &&
         std::all_of(users.begin(), users.end(), [&](OnnxNodeId user) { return user == node; });
}

/// The bytes by which folding the node makes the graph's constants larger, a change of the element type left
/// out; nothing where its outputs are too large, or not known.
std::optional<std::int64_t> growth_of(const OnnxGraph& graph, OnnxNodeId id) {
  std::int64_t read = 0, freed = 0;
  for (const OnnxValueId input : distinct_inputs(graph[id])) {
    const std::int64_t count = graph[input].constant->count();
    read += count;
    if (dies_with(graph, input, id)) freed += count;
  }
  std::int64_t growth = 0;
  for (const OnnxValueId output : graph[id].outputs) {
    if (!output.exists()) continue;
    const OnnxValue& value = graph[output];
    if (!value.type || !value.type->is_static()) return std::nullopt;
    const std::optional<std::int64_t> count = element_count(value.type->static_shape());
    const auto size = static_cast<std::int64_t>(size_of(value.type->dtype));
    if (!count || *count > std::max(always_allowed / size, 2 * read)) return std::nullopt;
    const std::int64_t reused = std::min(*count, freed);
    freed -= reused;
    growth += (*count - reused) * size;
  }
  return growth;
}

}  // namespace

bool fold_constants(OnnxGraph& graph, OnnxNodeId id) {
  const OnnxNode& node = graph[id];
  const OnnxOp* op = find_onnx_op(node.op_type);
  if (!op || !op->fold) return false;
  for (const OnnxValueId input : node.inputs) {
    if (input.exists() && !graph[input].constant) return false;
  }
  const std::optional<std::int64_t> growth = growth_of(graph, id);
  if (!growth || (*growth > 0 && graph.folded_growth + *growth > most_growth)) return false;

  std::vector<Tensor> results = op->fold(NodeView{graph, node});
  const std::vector<OnnxValueId> outputs = node.outputs;
  if (results.size() < outputs.size()) return false;
  graph.folded_growth += *growth;
  graph.remove(id);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].exists()) continue;
    graph[outputs[i]].type = static_type(results[i].dtype, results[i].shape);
    graph[outputs[i]].constant = std::move(results[i]);
  }
  return true;
}

}  // namespace calib8
