#include <unordered_set>

#include "calib8/error.h"
#include "onnx_graph/onnx_graph.h"

namespace calib8 {
namespace {

[[noreturn]] void fail(std::string_view stage, const std::string& message) {
  throw Error(ErrorCode::internal, message, "ONNX graph after " + std::string(stage));
}

}  // namespace

void verify(const OnnxGraph& graph, std::string_view stage) {
  std::vector<bool> available(graph.value_count(), false);
  std::unordered_set<std::string_view> names;
  const auto introduce = [&](OnnxValueId id) {
    const OnnxValue& value = graph[id];
    if (available[id.index]) fail(stage, "value '" + value.name + "' appears twice");
    available[id.index] = true;
    if (value.name.empty()) fail(stage, "a value has no name");
    if (!names.insert(value.name).second) fail(stage, "two values are named '" + value.name + "'");
  };

  for (const OnnxValueId id : graph.inputs()) {
    if (graph[id].constant) fail(stage, "input '" + graph[id].name + "' is a constant");
    introduce(id);
  }
  for (const OnnxNodeId node_id : graph.nodes()) {
    const OnnxNode& node = graph[node_id];
    for (const OnnxValueId input : node.inputs) {
      if (!input.exists() || available[input.index]) continue;
      if (!graph[input].constant)
        fail(stage, node.op_type + " '" + node.name + "' reads '" + graph[input].name + "' too early");
      introduce(input);
    }
    for (const OnnxValueId output : node.outputs) {
      if (!output.exists()) continue;
      if (graph[output].constant) fail(stage, "constant '" + graph[output].name + "' is also computed");
      introduce(output);
    }
  }
  for (const OnnxValueId output : graph.outputs()) {
    if (!available[output.index] && !graph[output].constant) {
      fail(stage, "output '" + graph[output].name + "' is never computed");
    }
  }
}

}  // namespace calib8
