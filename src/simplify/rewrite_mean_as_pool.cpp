#include <algorithm>

#include "simplify/passes.h"
#include "simplify/rewrite.h"

// %x: [N, C, H, W] -> ReduceMean(axes=2, 3; keepdims=1) -> %y      =>      %x -> GlobalAveragePool -> %y
//
// With keepdims=0 a Flatten follows.

namespace calib8 {
namespace {

bool covers_space(std::vector<std::int64_t> axes) {
  for (std::int64_t& axis : axes) axis += axis < 0 ? 4 : 0;
  std::sort(axes.begin(), axes.end());
  return axes == std::vector<std::int64_t>{2, 3};
}

}  // namespace

bool rewrite_mean_as_pool(OnnxGraph& graph, OnnxNodeId id) {
  OnnxNode& node = graph[id];
  if (node.op_type != "ReduceMean") return false;
  const auto& type = graph[node.inputs[0]].type;
  const Tensor* axes = graph.constant_input(node, 1);
  if (!axes || axes->dtype != DType::int64 || !type || !type->shape || type->shape->size() != 4) return false;
  if (!is_floating(type->dtype)) return false;  // GlobalAveragePool knows no integers
  if (!covers_space(to_int64(*axes))) return false;

  const bool keeps_dimensions = node.get_int("keepdims", 1) != 0;
  node.op_type = "GlobalAveragePool";
  node.attributes.clear();
  graph.set_inputs_of(id, {node.inputs[0]});
  if (keeps_dimensions) return true;
  const OnnxValueId flat = node.outputs[0];
  const OnnxValueId pooled = graph.add_value({graph.free_name(graph[flat].name + ".pooled"), {}, {}});
  graph.set_output(id, 0, pooled);
  graph.insert_after(id, {"Flatten", node.name + "/flatten", {pooled}, {flat}, {{"axis", std::int64_t{1}}}});
  return true;
}

}  // namespace calib8
