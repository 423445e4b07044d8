#include "simplify/linear_layer.h"
#include "simplify/passes.h"
#include "simplify/rewrite.h"

// %x -> Conv(w, b) -> Mul(c) -> Add(d) -> %y      =>      %x -> Conv(w * c, b * c + d) -> %y
//
// c and d are constants with one number, or one per output channel: a BatchNormalization that an exporter
// took apart, or a bias that stands alone. Sub and Div likewise, where the constant is the second operand.

namespace calib8 {
namespace {

/// The constant as one number per channel; nothing where it varies along another axis. `rank` is that of the
/// layer's output, whose axis 1 holds the channels.
std::optional<std::vector<double>> per_channel(const Tensor& constant, std::size_t channels,
                                               std::size_t rank) {
  if (!is_floating(constant.dtype) || constant.shape.size() > rank) return std::nullopt;
  const std::vector<float> values = to_float(constant);
  if (values.size() == 1) return std::vector<double>(channels, values[0]);
  if (values.size() != channels) return std::nullopt;
  const std::size_t first_axis = rank - constant.shape.size();  // broadcasting aligns the last axes
  if (first_axis > 1 || constant.shape[1 - first_axis] != static_cast<std::int64_t>(channels))
    return std::nullopt;
  return std::vector<double>(values.begin(), values.end());
}

}  // namespace

bool fuse_channel_affine(OnnxGraph& graph, OnnxNodeId id) {
  const OnnxNode& node = graph[id];
  const bool is_sum = node.op_type == "Add" || node.op_type == "Sub";
  const bool is_product = node.op_type == "Mul" || node.op_type == "Div";
  if ((!is_sum && !is_product) || node.inputs.size() != 2) return false;
  const bool commutes = node.op_type == "Add" || node.op_type == "Mul";
  const std::size_t position = commutes && graph.constant_input(node, 0) ? 0 : 1;
  const Tensor* constant = graph.constant_input(node, position);
  const OnnxValueId input = node.inputs[1 - position];
  if (!constant || !input.exists() || graph[input].constant || !graph.has_single_use(input)) return false;
  const OnnxNodeId layer = graph.producer(input);
  if (!layer.exists() || !is_linear_layer(graph, layer)) return false;
  const std::size_t rank = graph.constant_input(graph[layer], 1)->shape.size();
  const std::size_t channels = output_channels(graph, layer);
  const auto values = per_channel(*constant, channels, rank);
  if (!values) return false;

  std::vector<double> scale(channels, 1.0), shift(channels, 0.0);
  for (std::size_t c = 0; c < channels; ++c) {
    const double value = (*values)[c];
    if (node.op_type == "Add") shift[c] = value;
    if (node.op_type == "Sub") shift[c] = -value;
    if (node.op_type == "Mul") scale[c] = value;
    if (node.op_type == "Div") {
      if (value == 0) return false;
      scale[c] = 1.0 / value;
    }
  }
  if (!replace_value(graph, node.outputs[0], input)) return false;
  apply_to_channels(graph, layer, scale, shift);
  graph.remove(id);
  return true;
}

}  // namespace calib8
