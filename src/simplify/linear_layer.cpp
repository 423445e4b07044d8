#include "simplify/linear_layer.h"

#include "simplify/rewrite.h"

namespace calib8 {
namespace {

constexpr std::size_t weights = 1, bias = 2;  // positions of the inputs, the same for all three operators

/// Which output channel a weight belongs to: (index / inner) % per_group, plus per_group for each group
/// before it.
struct ChannelLayout {
  std::size_t channels = 0;   ///< Of the output.
  std::size_t inner = 1;      ///< Weights that lie behind each other and have the same output channel.
  std::size_t per_group = 1;  ///< Output channels that the axis of the weights holds.
  std::size_t outer = 0;      ///< Weights of one group; 0 where the axis holds all channels.

  std::size_t channel_of(std::size_t index) const {
    return (index / inner) % per_group + (outer == 0 ? 0 : index / outer * per_group);
  }
};

/// Conv: [out, in / group, kernel...]; ConvTranspose: [in, out / group, kernel...]; Gemm: [in, out] or, with
/// transB, [out, in].
ChannelLayout layout_of(const OnnxNode& node, const Shape& shape) {
  const auto product = [&](std::size_t first, std::size_t last) {
    std::size_t count = 1;
    for (std::size_t i = first; i < last; ++i) count *= static_cast<std::size_t>(shape[i]);
    return count;
  };
  ChannelLayout layout;
  const bool leads = node.op_type == "Conv" || (node.op_type == "Gemm" && node.get_int("transB", 0) != 0);
  const std::size_t axis = leads ? 0 : 1;
  layout.inner = product(axis + 1, shape.size());
  layout.per_group = static_cast<std::size_t>(shape[axis]);
  layout.channels = layout.per_group;
  if (node.op_type == "ConvTranspose") {
    const std::size_t groups = static_cast<std::size_t>(node.get_int("group", 1));
    layout.channels *= groups;
    layout.outer = product(0, shape.size()) / groups;
  }
  return layout;
}

/// Replaces the constant behind an input of a node; other readers of the old one keep it.
void replace_constant(OnnxGraph& graph, OnnxNodeId node, std::size_t position, Tensor tensor) {
  const OnnxValueId old = graph[node].inputs[position];
  if (graph.has_single_use(old)) {
    graph[old].type = static_type(tensor.dtype, tensor.shape);
    graph[old].constant = std::move(tensor);
    return;
  }
  const std::string name = graph.free_name(graph[old].name);
  graph.set_input(node, position, graph.add_constant(name, std::move(tensor)));
}

bool has_bias(const OnnxNode& node) {
  return node.inputs.size() > bias && node.inputs[bias].exists();
}

}  // namespace

bool is_linear_layer(const OnnxGraph& graph, OnnxNodeId id) {
  const OnnxNode& node = graph[id];
  const bool is_gemm = node.op_type == "Gemm";
  if (!is_gemm && node.op_type != "Conv" && node.op_type != "ConvTranspose") return false;
  if (is_gemm &&
      (node.get_int("transA", 0) != 0 || node.get_float("alpha", 1) != 1 || node.get_float("beta", 1) != 1)) {
    return false;
  }
  const Tensor* weight = graph.constant_input(node, weights);
  if (!weight || weight->dtype != DType::float32 || weight->shape.size() < 2 || weight->count() == 0)
    return false;
  const std::int64_t groups = node.get_int("group", 1);
  if (groups < 1 || weight->shape[0] % groups != 0) return false;
  if (!has_bias(node)) return true;
  const Tensor* constant = graph.constant_input(node, bias);
  return constant && constant->dtype == DType::float32 &&
         constant->count() == static_cast<std::int64_t>(layout_of(node, weight->shape).channels);
}

std::size_t output_channels(const OnnxGraph& graph, OnnxNodeId layer) {
  return layout_of(graph[layer], graph.constant_input(graph[layer], weights)->shape).channels;
}

void apply_to_channels(OnnxGraph& graph, OnnxNodeId layer, std::span<const double> scale,
                       std::span<const double> shift) {
  const OnnxNode& node = graph[layer];
  const Tensor old_weights = *graph.constant_input(node, weights);
  const ChannelLayout layout = layout_of(node, old_weights.shape);

  std::vector<float> new_bias(layout.channels);
  const Tensor* old_bias = graph.constant_input(node, bias);
  for (std::size_t c = 0; c < layout.channels; ++c) {
    const double before = old_bias ? static_cast<double>(old_bias->as<float>()[c]) : 0.0;
    new_bias[c] = static_cast<float>(before * scale[c] + shift[c]);
  }
  const auto from = old_weights.as<float>();
  std::vector<float> new_weights(from.size());
  for (std::size_t start = 0; start < from.size(); start += layout.inner) {
    const double factor = scale[layout.channel_of(start)];
    for (std::size_t i = start; i < start + layout.inner; ++i)
      new_weights[i] = static_cast<float>(static_cast<double>(from[i]) * factor);
  }

  replace_constant(graph, layer, weights, make_tensor(old_weights.shape, std::move(new_weights)));
  if (old_bias) {
    const Shape shape{static_cast<std::int64_t>(layout.channels)};
    replace_constant(graph, layer, bias, make_tensor(shape, std::move(new_bias)));
  } else {
    add_bias(graph, layer, std::move(new_bias));
  }
}

void add_bias(OnnxGraph& graph, OnnxNodeId layer, std::vector<float> values) {
  constexpr std::string_view ending = ".weight";
  std::vector<OnnxValueId> inputs = graph[layer].inputs;
  std::string name = graph[inputs[weights]].name;
  if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  const Shape shape{static_cast<std::int64_t>(values.size())};
  inputs.resize(bias + 1);
  inputs[bias] =
      graph.add_constant(graph.free_name(name + ".bias"), make_tensor<float>(shape, std::move(values)));
  graph.set_inputs_of(layer, std::move(inputs));
}

}  // namespace calib8
