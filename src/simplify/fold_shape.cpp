#include <algorithm>

#include "simplify/passes.h"

// %x: float32[1, 64, 7, 7] -> Shape(start=0, end=2) -> %sizes -> Concat ...
//   =>
// %sizes: int64[2] const -> Concat ...
//
// Only the sizes that are asked for need to be known.
//
// %x: float32[1, 64, 7, 7] -> Size -> %count  =>  %count: int64[] const

namespace calib8 {
namespace {

bool fold_size(OnnxGraph& graph, OnnxNodeId id) {
  const OnnxNode& node = graph[id];
  if (node.inputs.size() != 1 || node.outputs.size() != 1) return false;
  const auto& type = graph[node.inputs[0]].type;
  const auto count = type && type->is_static() ? element_count(type->static_shape()) : std::nullopt;
  if (!count) return false;
  const OnnxValueId output = node.outputs[0];
  graph.remove(id);
  graph[output].type = static_type(DType::int64, {});
  graph[output].constant = make_tensor<std::int64_t>({}, {*count});
  return true;
}

}  // namespace

bool fold_shape(OnnxGraph& graph, OnnxNodeId id) {
  const OnnxNode& node = graph[id];
  if (node.op_type == "Size") return fold_size(graph, id);
  if (node.op_type != "Shape" || node.inputs.size() != 1 || node.outputs.size() != 1) return false;
  const auto& type = graph[node.inputs[0]].type;
  if (!type || !type->shape) return false;
  const std::int64_t rank = static_cast<std::int64_t>(type->shape->size());
  const auto position = [&](std::int64_t axis) {
    return std::clamp(axis < 0 ? axis + rank : axis, std::int64_t{0}, rank);
  };
  const std::int64_t start = position(node.get_int("start", 0));
  const std::int64_t end = position(node.get_int("end", rank));
  std::vector<std::int64_t> sizes;
  for (std::int64_t axis = start; axis < end; ++axis) {
    const Dimension& dimension = (*type->shape)[static_cast<std::size_t>(axis)];
    if (!dimension.is_known()) return false;
    sizes.push_back(dimension.size);
  }
  const OnnxValueId output = node.outputs[0];
  graph.remove(id);
  const Shape shape{static_cast<std::int64_t>(sizes.size())};
  graph[output].type = static_type(DType::int64, shape);
  graph[output].constant = make_tensor(shape, std::move(sizes));
  return true;
}

}  // namespace calib8
