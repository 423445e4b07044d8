#include "simplify/passes.h"

// %x: [N, K], %w: const [K, M] -> MatMul -> %y      =>      %x, %w -> Gemm -> %y
//
// A bias that is added behind it then moves in (fuse_channel_affine).

namespace calib8 {

bool rewrite_matmul_as_gemm(OnnxGraph& graph, OnnxNodeId id) {
  OnnxNode& node = graph[id];
  if (node.op_type != "MatMul" || node.inputs.size() != 2) return false;
  const auto& type = graph[node.inputs[0]].type;
  const Tensor* weights = graph.constant_input(node, 1);
  if (graph[node.inputs[0]].constant || !weights || weights->shape.size() != 2 ||
      !is_floating(weights->dtype))
    return false;
  if (!type || !type->shape || type->shape->size() != 2) return false;
  node.op_type = "Gemm";
  node.attributes.clear();
  return true;
}

}  // namespace calib8
