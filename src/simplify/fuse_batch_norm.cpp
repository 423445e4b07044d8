#include <cmath>

#include "simplify/linear_layer.h"
#include "simplify/passes.h"
#include "simplify/rewrite.h"

// %x -> Conv(w, b) -> BatchNormalization(gamma, beta, mean, variance) -> %y
//   =>
// %x -> Conv(w * s, (b - mean) * s + beta) -> %y        with s = gamma / sqrt(variance + epsilon) per channel
//
// The same behind ConvTranspose and Gemm. (Jacob et al. 2018, "Quantization and Training of Neural Networks",
// section 3.2.)

namespace calib8 {

bool fuse_batch_norm(OnnxGraph& graph, OnnxNodeId id) {
  const OnnxNode& node = graph[id];
  if (node.op_type != "BatchNormalization" || node.get_int("training_mode", 0) != 0) return false;
  if (node.inputs.size() != 5 || node.outputs.size() != 1) return false;
  const OnnxNodeId layer = graph.producer(node.inputs[0]);
  if (!layer.exists() || !is_linear_layer(graph, layer) || !graph.has_single_use(node.inputs[0]))
    return false;

  const std::size_t channels = output_channels(graph, layer);
  std::vector<float> parameters[4];  // gamma, beta, mean, variance
  for (std::size_t i = 0; i < 4; ++i) {
    const Tensor* constant = graph.constant_input(node, i + 1);
    if (!constant || constant->count() != static_cast<std::int64_t>(channels)) return false;
    parameters[i] = to_float(*constant);
  }
  const auto& [gamma, beta, mean, variance] = parameters;
  const double epsilon = node.get_float("epsilon", 1e-5f);
  std::vector<double> scale(channels), shift(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    scale[c] = gamma[c] / std::sqrt(static_cast<double>(variance[c]) + epsilon);
    shift[c] = beta[c] - mean[c] * scale[c];
  }
  if (!replace_value(graph, node.outputs[0], node.inputs[0])) return false;
  apply_to_channels(graph, layer, scale, shift);
  graph.remove(id);
  return true;
}

}  // namespace calib8
