#include "simplify/passes.h"
#include "simplify/rewrite.h"

// %x -> Pad(0 around height and width) -> Conv(pads=p) -> %y      =>      %x -> Conv(pads=p + pad) -> %y

namespace calib8 {
namespace {

/// Begin and end of each axis, as Pad at opset 20 has them; nothing where they aren't all constant and >= 0,
/// or where anything else than zero is filled in.
std::optional<std::vector<std::int64_t>> zero_padding(const OnnxGraph& graph, const OnnxNode& pad,
                                                      std::size_t rank) {
  if (pad.get_string("mode", "constant") != "constant") return std::nullopt;
  const Tensor* pads = graph.constant_input(pad, 1);
  if (!pads || pads->dtype != DType::int64) return std::nullopt;
  if (pad.inputs.size() > 2 && pad.inputs[2].exists() && scalar_input(graph, pad, 2) != 0.0f)
    return std::nullopt;
  const std::vector<std::int64_t> given = to_int64(*pads);
  std::vector<std::int64_t> axes(rank);
  for (std::size_t i = 0; i < rank; ++i) axes[i] = static_cast<std::int64_t>(i);
  if (pad.inputs.size() > 3 && pad.inputs[3].exists()) {
    const Tensor* chosen = graph.constant_input(pad, 3);
    if (!chosen || is_floating(chosen->dtype)) return std::nullopt;
    axes = to_int64(*chosen);
  }
  if (given.size() != 2 * axes.size()) return std::nullopt;
  std::vector<std::int64_t> all(2 * rank, 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t axis = axes[i] < 0 ? axes[i] + static_cast<std::int64_t>(rank) : axes[i];
    if (axis < 0 || axis >= static_cast<std::int64_t>(rank)) return std::nullopt;
    if (given[i] < 0 || given[i + axes.size()] < 0) return std::nullopt;
    all[static_cast<std::size_t>(axis)] = given[i];
    all[static_cast<std::size_t>(axis) + rank] = given[i + axes.size()];
  }
  return all;
}

}  // namespace

bool fuse_pad(OnnxGraph& graph, OnnxNodeId id) {
  OnnxNode& conv = graph[id];
  if (conv.op_type != "Conv" || conv.get_string("auto_pad", "NOTSET") != "NOTSET") return false;
  const OnnxNodeId pad = only_producer(graph, conv, 0, "Pad");
  const Tensor* weights = graph.constant_input(conv, 1);
  if (!pad.exists() || !weights || weights->shape.size() < 3) return false;
  const std::size_t rank = weights->shape.size(), spatial = rank - 2;
  const auto padding = zero_padding(graph, graph[pad], rank);
  if (!padding) return false;
  for (const std::size_t axis : {std::size_t{0}, std::size_t{1}, rank, rank + 1}) {
    if ((*padding)[axis] != 0) return false;  // batch and channels
  }
  std::vector<std::int64_t> pads = conv.get_ints("pads", std::vector<std::int64_t>(2 * spatial, 0));
  if (pads.size() != 2 * spatial) return false;
  for (std::size_t i = 0; i < spatial; ++i) {
    pads[i] += (*padding)[i + 2];
    pads[i + spatial] += (*padding)[i + 2 + rank];
  }
  conv.attributes["pads"] = std::move(pads);
  graph.set_input(id, 0, graph[pad].inputs[0]);
  graph.remove(pad);
  return true;
}

}  // namespace calib8
