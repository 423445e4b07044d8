#include "simplify/linear_layer.h"
#include "simplify/passes.h"
#include "simplify/rewrite.h"

// Gemm(%x, %w [K, M], %b, alpha, beta)      =>      Gemm(%x, %w' [M, K], %b' [M], transB=1)
//
// with w' = alpha * transposed w and b' = beta * b, where both are constants: TFLite's FULLY_CONNECTED has no
// other form.

namespace calib8 {
namespace {

bool is_normal(const OnnxNode& node, const Tensor* bias) {
  return node.get_int("transB", 0) != 0 && node.get_float("alpha", 1) == 1 &&
         node.get_float("beta", 1) == 1 && (!bias || bias->shape.size() == 1);
}

/// alpha * w as [M, K].
Tensor rows_of(const OnnxNode& node, const Tensor& weights) {
  const bool transposed = node.get_int("transB", 0) != 0;
  const double alpha = node.get_float("alpha", 1);
  const auto rows = static_cast<std::size_t>(weights.shape[transposed ? 0 : 1]);
  const auto columns = static_cast<std::size_t>(weights.shape[transposed ? 1 : 0]);
  const auto from = weights.as<float>();
  std::vector<float> to(from.size());
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      const std::size_t index = transposed ? row * columns + column : column * rows + row;
      to[row * columns + column] = static_cast<float>(alpha * static_cast<double>(from[index]));
    }
  }
  return make_tensor<float>({static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)},
                            std::move(to));
}

}  // namespace

bool normalize_gemm(OnnxGraph& graph, OnnxNodeId id) {
  OnnxNode& node = graph[id];
  if (node.op_type != "Gemm" || node.get_int("transA", 0) != 0 || node.inputs.size() < 2) return false;
  const Tensor* weights = graph.constant_input(node, 1);
  if (!weights || weights->dtype != DType::float32 || weights->shape.size() != 2) return false;
  const bool has_bias = node.inputs.size() > 2 && node.inputs[2].exists();
  const Tensor* bias = graph.constant_input(node, 2);
  if (has_bias && (!bias || bias->dtype != DType::float32)) return false;
  if (is_normal(node, bias)) return false;

  Tensor rows = rows_of(node, *weights);
  std::vector<OnnxValueId> inputs{node.inputs[0]};
  const auto channels = static_cast<std::size_t>(rows.shape[0]);
  std::vector<float> values;
  if (bias) {
    // ONNX broadcasts C to [N, M]; a constant that differs between rows of the batch is no bias.
    const auto from = bias->as<float>();
    const bool is_row =
        from.size() == channels && !bias->shape.empty() && bias->shape.back() == rows.shape[0];
    if (from.size() != 1 && !is_row) return false;
    const double beta = node.get_float("beta", 1);
    for (std::size_t c = 0; c < channels; ++c) {
      values.push_back(static_cast<float>(beta * static_cast<double>(from[from.size() == 1 ? 0 : c])));
    }
  }
  const auto add = [&](std::size_t position, Tensor tensor) {
    inputs.push_back(
        graph.add_constant(graph.free_name(graph[node.inputs[position]].name), std::move(tensor)));
  };
  add(1, std::move(rows));
  if (bias) add(2, make_tensor<float>({static_cast<std::int64_t>(channels)}, std::move(values)));
  node.attributes = {{"transB", std::int64_t{1}}};
  graph.set_inputs_of(id, std::move(inputs));
  return true;
}

}  // namespace calib8
