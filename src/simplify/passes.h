#pragma once

#include "onnx_graph/onnx_graph.h"

/// The passes over OnnxGraph, one file each. All return whether they changed the graph; those with a node
/// look at that node and its surroundings. simplify.cpp orders them.
namespace calib8 {

/// Sets the types of all values that nodes compute, by the operators' rows. A node that has no row, or an
/// input of unknown type, leaves its outputs as they are. Fails with ErrorCode::model where a node can't be
/// given such inputs.
bool infer_shapes(OnnxGraph& graph);

/// The same, and whatever can be folded is folded at once.
bool infer_and_fold(OnnxGraph& graph);
/// Its parts, for one node.
bool fold_shape(OnnxGraph& graph, OnnxNodeId node);
bool rewrite_cast_like(OnnxGraph& graph, OnnxNodeId node);
bool fold_constants(OnnxGraph& graph, OnnxNodeId node);
/// Every If with that condition takes one branch, and what only the other one needs is removed. Fails with
/// ErrorCode::model where the condition isn't constant.
void take_branches(OnnxGraph& graph, OnnxValueId condition);
bool replace_with_branch(OnnxGraph& graph, OnnxNodeId node);

bool eliminate_identity(OnnxGraph& graph, OnnxNodeId node);
bool eliminate_default_attributes(OnnxGraph& graph, OnnxNodeId node);
bool eliminate_dead_code(OnnxGraph& graph);
bool fuse_pad(OnnxGraph& graph, OnnxNodeId node);
bool fuse_batch_norm(OnnxGraph& graph, OnnxNodeId node);
bool fuse_channel_affine(OnnxGraph& graph, OnnxNodeId node);
bool merge_parallel_branches(OnnxGraph& graph, OnnxNodeId node);
bool merge_linear_chain(OnnxGraph& graph, OnnxNodeId node);
bool fuse_hard_sigmoid(OnnxGraph& graph, OnnxNodeId node);
bool fuse_onnx_hard_swish(OnnxGraph& graph, OnnxNodeId node);
bool fuse_gelu(OnnxGraph& graph, OnnxNodeId node);
/// Real numbers of any size become float32, in which everything is computed.
bool compute_in_float32(OnnxGraph& graph);
bool rewrite_mean_as_pool(OnnxGraph& graph, OnnxNodeId node);
bool rewrite_reshape_as_flatten(OnnxGraph& graph, OnnxNodeId node);
bool rewrite_matmul_as_gemm(OnnxGraph& graph, OnnxNodeId node);
bool normalize_gemm(OnnxGraph& graph, OnnxNodeId node);
bool rewrite_clip_as_relu(OnnxGraph& graph, OnnxNodeId node);
bool rewrite_dynamic_reshape(OnnxGraph& graph, OnnxNodeId node);
bool add_zero_bias(OnnxGraph& graph, OnnxNodeId node);
bool order_onnx_operands(OnnxGraph& graph);

}  // namespace calib8
