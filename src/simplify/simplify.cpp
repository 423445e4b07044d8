#include "simplify/simplify.h"

#include <array>

#include "simplify/passes.h"

namespace calib8 {
namespace {

using OnnxPass = Pass<OnnxGraph>;

constexpr std::array passes{
    OnnxPass{"eliminate_dead_code", nullptr, eliminate_dead_code},  // first: what nobody reads needs no shape
    OnnxPass{"compute_in_float32", nullptr, compute_in_float32},    // before any type is inferred
    OnnxPass{"infer_and_fold", nullptr, infer_and_fold},  // nearly all below ask for types and constants
    OnnxPass{"eliminate_identity", eliminate_identity},   // before all that looks at neighbours
    OnnxPass{"rewrite_dynamic_reshape",
             rewrite_dynamic_reshape},  // after folding: its constants are single by then
    OnnxPass{"fuse_pad", fuse_pad},     // any time after folding
    OnnxPass{"rewrite_matmul_as_gemm", rewrite_matmul_as_gemm},  // before what fuses into linear layers
    OnnxPass{"normalize_gemm", normalize_gemm},                  // likewise
    OnnxPass{"fuse_hard_sigmoid", fuse_hard_sigmoid},  // before its Add(3) could move into a convolution
    OnnxPass{"fuse_onnx_hard_swish", fuse_onnx_hard_swish},  // after hard-sigmoid, of which it may consist
    OnnxPass{"fuse_gelu", fuse_gelu},              // before a factor of it could move into a linear layer
    OnnxPass{"fuse_batch_norm", fuse_batch_norm},  // before other sums that stand behind it
    OnnxPass{"fuse_channel_affine", fuse_channel_affine},          // after batch_norm and hard_sigmoid
    OnnxPass{"merge_parallel_branches", merge_parallel_branches},  // after both: branches are one node each
    OnnxPass{"merge_linear_chain", merge_linear_chain},            // after what merges branches into one
    OnnxPass{"rewrite_mean_as_pool", rewrite_mean_as_pool},        // may leave a Flatten
    OnnxPass{"rewrite_reshape_as_flatten", rewrite_reshape_as_flatten},      // after mean_as_pool
    OnnxPass{"rewrite_clip_as_relu", rewrite_clip_as_relu},                  // any time after folding
    OnnxPass{"add_zero_bias", add_zero_bias},                                // after what brings a real bias
    OnnxPass{"eliminate_default_attributes", eliminate_default_attributes},  // after what changes attributes
    OnnxPass{"order_onnx_operands", nullptr, order_onnx_operands},  // last: fusions change the depths
};

constexpr auto names = [] {
  std::array<std::string_view, passes.size()> list{};
  for (std::size_t i = 0; i < passes.size(); ++i) list[i] = passes[i].name;
  return list;
}();

}  // namespace

PassReport simplify(OnnxGraph& graph, const PassOptions& options) {
  return run_passes<OnnxGraph>(graph, passes, options);
}

std::span<const std::string_view> simplify_pass_names() {
  return names;
}

}  // namespace calib8
