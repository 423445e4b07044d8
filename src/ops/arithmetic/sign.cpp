#include "ops/arithmetic/sign.h"

#include <algorithm>

#include "ops/onnx_op.h"

namespace calib8 {
namespace {

/// `budget` bounds the values looked at: graphs may join the same branches again and again.
bool is_never_negative(const OnnxGraph& graph, OnnxValueId value, int& budget) {
  if (!value.exists() || --budget < 0) return false;
  const OnnxNodeId producer = graph.producer(value);
  if (!producer.exists()) {
    const auto& constant = graph[value].constant;
    if (!constant || constant->dtype != DType::float32) return false;
    const auto elements = constant->as<float>();
    return std::all_of(elements.begin(), elements.end(), [](float element) { return element >= 0; });
  }
  const OnnxNode& node = graph[producer];
  const OnnxOp* op = find_onnx_op(node.op_type);
  switch (op ? op->traits.sign : Sign::unknown) {
    case Sign::unknown:
      return false;
    case Sign::never_negative:
      return true;
    case Sign::keeps:
      return is_never_negative(graph, node.inputs.at(0), budget);
    case Sign::combines:
      return std::all_of(node.inputs.begin(), node.inputs.end(),
                         [&](OnnxValueId input) { return is_never_negative(graph, input, budget); });
    case Sign::bounded: {
      const bool has_highest = node.inputs.size() > 2 && node.inputs[2].exists();
      if (has_highest && !is_never_negative(graph, node.inputs[2], budget)) return false;
      const bool has_lowest = node.inputs.size() > 1 && node.inputs[1].exists();
      return (has_lowest && is_never_negative(graph, node.inputs[1], budget)) ||
             is_never_negative(graph, node.inputs.at(0), budget);
    }
  }
  return false;
}

}  // namespace

bool is_never_negative(const OnnxGraph& graph, OnnxValueId value) {
  int budget = 256;
  return is_never_negative(graph, value, budget);
}

}  // namespace calib8
