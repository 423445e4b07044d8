#include "optimize/forms/channel_groups.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "ops/tflite_op.h"
#include "optimize/convolution.h"
#include "optimize/rewrite.h"

namespace calib8 {
namespace {

std::size_t channels_of(const TfliteTensor& tensor) {
  return tensor.shape.empty() ? 0 : static_cast<std::size_t>(tensor.shape.back());
}

bool is_homogeneous(tflite::Activation activation) {
  return activation == tflite::Activation::none || activation == tflite::Activation::relu;
}

/// Whether the axes that a reduction takes are others than the last.
bool keeps_channels(const TfliteGraph& graph, const TfliteOperator& op) {
  if (!graph.is_constant(op.inputs[1])) return false;
  const auto rank = static_cast<std::int64_t>(graph[op.inputs[0]].shape.size());
  return std::ranges::none_of(graph.constant_integers(op.inputs[1]),
                              [&](std::int64_t axis) { return (axis < 0 ? axis + rank : axis) == rank - 1; });
}

/// What an operator does to factors of its tensors' channels.
enum class Effect {
  blocks,  ///< It needs the values as they are.
  keeps,   ///< Its output has the factors of all its computed inputs, which have to be the same.
  weighs,  ///< It has weights that can take factors in, of its input and of its output.
};

Effect effect_of(const TfliteGraph& graph, const TfliteOperator& op) {
  const tflite::Activation* fused = fused_activation(op);
  if (as_convolution(graph, op)) return Effect::weighs;
  if (op.outputs.size() != 1 || (fused != nullptr && !is_homogeneous(*fused))) return Effect::blocks;
  const TensorId output = op.outputs[0];
  const bool same_channels =
      op.inputs[0].exists() && channels_of(graph[op.inputs[0]]) == channels_of(graph[output]);
  if (op.is<tflite::Relu>() || op.is<tflite::LeakyRelu>() || op.is<tflite::PRelu>() ||
      op.is<tflite::MaxPool2D>() || op.is<tflite::AveragePool2D>() || op.is<tflite::ResizeBilinear>() ||
      op.is<tflite::ResizeNearestNeighbor>())
    return Effect::keeps;
  if (op.is<tflite::Pad>() || op.is<tflite::Reshape>()) return same_channels ? Effect::keeps : Effect::blocks;
  if (op.is<tflite::Mean>() || op.is<tflite::Sum>() || op.is<tflite::ReduceMax>() ||
      op.is<tflite::ReduceMin>())
    return keeps_channels(graph, op) ? Effect::keeps : Effect::blocks;
  const bool is_sum = op.is<tflite::Add>() || op.is<tflite::Sub>();
  if (!is_sum && !op.is<tflite::Mul>()) return Effect::blocks;
  std::size_t constants = 0;
  for (const TensorId input : op.inputs) {
    if (graph.is_constant(input)) {
      ++constants;
      if (!per_channel(graph, input, graph[output].shape)) return Effect::blocks;
    } else if (channels_of(graph[input]) != channels_of(graph[output])) {
      return Effect::blocks;
    }
  }
  // A product of two tensors would have the product of their factors.
  return is_sum ? (constants < 2 ? Effect::keeps : Effect::blocks)
                : (constants == 1 ? Effect::keeps : Effect::blocks);
}

/// Whether a layer's weights can take in factors of what it reads.
bool takes_factors(const TfliteGraph& graph, const TfliteOperator& op) {
  const Convolution layer = *as_convolution(graph, op);
  return !op.is<tflite::TransposeConv>() && channels_of_weights(op, graph[op.inputs[layer.weights]].shape,
                                                                channels_of(graph[op.inputs[layer.data]]))
                                                .has_value();
}

/// Sets of tensors that have to be scaled alike.
class TensorSets {
 public:
  explicit TensorSets(const TfliteGraph& graph) : parent_(graph.value_count()), blocked_(parent_.size()) {
    std::iota(parent_.begin(), parent_.end(), std::uint32_t{0});
    for (const TensorId input : graph.inputs()) block(input);
    for (const TensorId output : graph.outputs()) block(output);
    for (const OperatorId id : graph.nodes()) add(graph, id);
  }

  std::uint32_t find(TensorId tensor) {
    std::uint32_t root = tensor.index;
    while (parent_[root] != root) root = parent_[root] = parent_[parent_[root]];
    return root;
  }
  /// After all were joined.
  std::vector<bool> blocked_roots() {
    std::vector<bool> roots(parent_.size(), false);
    for (std::uint32_t i = 0; i < parent_.size(); ++i) {
      if (blocked_[i]) roots[find({i})] = true;
    }
    return roots;
  }

 private:
  void block(TensorId tensor) {
    if (tensor.exists()) blocked_[tensor.index] = true;
  }

  void add(const TfliteGraph& graph, OperatorId id) {
    const TfliteOperator& op = graph[id];
    const Effect effect = effect_of(graph, op);
    const std::optional<Convolution> layer = as_convolution(graph, op);
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      const TensorId input = op.inputs[i];
      if (!input.exists() || graph.is_constant(input)) continue;
      if (effect == Effect::keeps) {
        parent_[find(input)] = find(op.outputs[0]);
      } else if (effect == Effect::blocks || i != layer->data || !takes_factors(graph, op)) {
        block(input);
      }
    }
    const tflite::Activation* fused = fused_activation(op);
    const bool bends = fused != nullptr && !is_homogeneous(*fused);
    if (effect == Effect::blocks || bends)
      std::ranges::for_each(op.outputs, [&](TensorId output) { block(output); });
  }

  std::vector<std::uint32_t> parent_;
  std::vector<bool> blocked_;
};

void weigh(TfliteGraph& graph, OperatorId id, const std::vector<std::size_t>& channel_of_weight,
           const std::vector<double>& of_weight, const std::vector<double>& of_bias) {
  const Convolution layer = *as_convolution(graph, graph[id]);
  const auto old = float_values(graph, graph[id].inputs[layer.weights]);
  std::vector<double> weights(old.begin(), old.end()), bias = bias_of(graph, id, layer);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] *= of_weight[channel_of_weight[i]];
  for (std::size_t i = 0; i < of_bias.size(); ++i) bias[i] *= of_bias[i];
  set_weights(graph, id, layer, weights, bias);
}

std::vector<std::size_t> output_channels(const Shape& weights, std::size_t axis) {
  std::size_t inner = 1;
  for (std::size_t i = axis + 1; i < weights.size(); ++i) inner *= static_cast<std::size_t>(weights[i]);
  const auto channels = static_cast<std::size_t>(weights[axis]);
  std::vector<std::size_t> result(static_cast<std::size_t>(element_count(weights).value()));
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = i / inner % channels;
  return result;
}

}  // namespace

std::vector<ChannelGroup> find_channel_groups(const TfliteGraph& graph) {
  TensorSets sets(graph);
  const std::vector<bool> blocked = sets.blocked_roots();
  std::map<std::uint32_t, ChannelGroup> groups;
  const auto group_of = [&](TensorId tensor) -> ChannelGroup* {
    if (!tensor.exists() || graph.is_constant(tensor)) return nullptr;
    const std::uint32_t root = sets.find(tensor);
    return blocked[root] ? nullptr : &groups[root];
  };
  for (const OperatorId id : graph.nodes()) {
    const TfliteOperator& op = graph[id];
    const auto layer = as_convolution(graph, op);
    ChannelGroup* const written = group_of(op.outputs[0]);
    if (written != nullptr) {
      written->channels = channels_of(graph[op.outputs[0]]);
      written->tensors.push_back(op.outputs[0]);
      if (layer) written->writers.push_back(id);
      const bool has_offset =
          (op.is<tflite::Add>() || op.is<tflite::Sub>()) &&
          std::ranges::any_of(op.inputs, [&](TensorId input) { return graph.is_constant(input); });
      if (has_offset) written->offsets.push_back(id);
    }
    if (!layer) continue;
    if (ChannelGroup* const read = group_of(op.inputs[layer->data])) read->readers.push_back(id);
  }
  std::vector<ChannelGroup> found;
  for (auto& [root, group] : groups) {
    if (!group.writers.empty() && !group.readers.empty()) found.push_back(std::move(group));
  }
  return found;
}

void scale_channels(TfliteGraph& graph, const ChannelGroup& group, const std::vector<double>& factors) {
  std::vector<double> inverse;
  for (const double factor : factors) inverse.push_back(1 / factor);
  for (const OperatorId id : group.writers) {
    const Convolution layer = *as_convolution(graph, graph[id]);
    const Shape& weights = graph[graph[id].inputs[layer.weights]].shape;
    weigh(graph, id, output_channels(weights, layer.output_axis), inverse, inverse);
  }
  for (const OperatorId id : group.readers) {
    const Convolution layer = *as_convolution(graph, graph[id]);
    const Shape& weights = graph[graph[id].inputs[layer.weights]].shape;
    weigh(graph, id, channels_of_weights(graph[id], weights, group.channels).value(), factors, {});
  }
  for (const OperatorId id : group.offsets) {
    const std::vector<TensorId> inputs = graph[id].inputs;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!graph.is_constant(inputs[i])) continue;
      const std::vector<double> offsets =
          per_channel(graph, inputs[i], graph[graph[id].outputs[0]].shape).value();
      std::vector<float> scaled(offsets.size());
      for (std::size_t c = 0; c < scaled.size(); ++c) scaled[c] = static_cast<float>(offsets[c] * inverse[c]);
      Shape shape = graph[inputs[i]].shape;  // a scalar gets a number for each channel
      if (element_count(shape) != static_cast<std::int64_t>(scaled.size()))
        shape = {static_cast<std::int64_t>(scaled.size())};
      Tensor constant = make_tensor(std::move(shape), std::move(scaled));
      graph.set_input(id, i, graph.add_constant(graph[inputs[i]].name, std::move(constant)));
    }
  }
}

}  // namespace calib8
