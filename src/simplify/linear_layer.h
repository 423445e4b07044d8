#pragma once

#include <span>
#include <vector>

#include "onnx_graph/onnx_graph.h"

namespace calib8 {

/// True where the node is a Conv, a ConvTranspose or a plain Gemm (A as it is, alpha and beta 1) whose
/// float32 weights, and bias where it has one, are constants: then a scale and a shift per output channel can
/// move into it.
bool is_linear_layer(const OnnxGraph& graph, OnnxNodeId node);

/// Output channels of a linear layer.
std::size_t output_channels(const OnnxGraph& graph, OnnxNodeId linear_layer);

/// Makes a linear layer compute scale[c] * y + shift[c] in place of y, per output channel c. Computed in
/// double and rounded once; weights that others read too are left to them. `scale` and `shift` have
/// output_channels() elements.
void apply_to_channels(OnnxGraph& graph, OnnxNodeId linear_layer, std::span<const double> scale,
                       std::span<const double> shift);

/// Gives a linear layer the bias; the name follows that of the weights. It has none so far.
void add_bias(OnnxGraph& graph, OnnxNodeId linear_layer, std::vector<float> bias);

}  // namespace calib8
