#include "quantize/fit_scales.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace calib8 {
namespace {

/// How often a group's scale may rise. One pass along the graph settles nearly all; what goes on rising runs
/// in a circle, and no scale satisfies it.
constexpr int most_raises = 8;

/// A tensor may become that many times coarser for a kernel's multiplier: of int8's bits, four remain.
constexpr double most_coarsening = 16;

/// Bounds that a ratio must stay below, or not fall below, are kept at this distance, as kernels compute the
/// ratio in float32.
constexpr double below_bound = 255.0 / 256.0, above_smallest = 1024.0 / 1023.0;

constexpr double largest_float = std::numeric_limits<float>::max();

double scale_of(const Quantization& quantization) {
  return static_cast<double>(quantization.scales.front());
}

}  // namespace

FittedScales::FittedScales(const TfliteGraph& graph, const TargetTraits& target, const CompleteRanges& ranges,
                           const SharedQuantization& shared, OperatorTypes& types)
    : graph_(graph), target_(target), ranges_(ranges), shared_(shared), types_(types) {
  for (const SharedQuantization::Group& group : shared.groups()) {
    initial_.push_back(group.fixed ? *group.fixed
                                   : activation_quantization(group.range, group.type, group.is_symmetric));
  }
  quantizations_ = initial_;
  raises_.assign(initial_.size(), 0);
  const std::vector<OperatorId> order = graph.nodes();
  std::size_t count = 0;
  for (const OperatorId id : order) count = std::max<std::size_t>(count, id.index + 1);
  is_queued_.assign(count, false);
  // The last entry of the queue comes first: in execution order one pass settles most.
  for (auto id = order.rbegin(); id != order.rend(); ++id) enqueue(*id);
  while (!queue_.empty()) {
    const OperatorId id = queue_.back();
    queue_.pop_back();
    is_queued_[id.index] = false;
    if (!types_.is_float(id)) fit(id);
  }
}

void FittedScales::enqueue(OperatorId id) {
  if (types_.rule(id).relation == ScaleRelation::none || types_.is_float(id) || is_queued_[id.index]) return;
  if (!is_activation(graph_, graph_[id].outputs[0])) return;
  is_queued_[id.index] = true;
  queue_.push_back(id);
}

void FittedScales::enqueue_around(std::uint32_t group) {
  for (const TensorId member : shared_.groups()[group].members) {
    for (const OperatorId reader : graph_.users(member)) enqueue(reader);
    if (graph_.producer(member).exists()) enqueue(graph_.producer(member));
  }
}

void FittedScales::fit(OperatorId id) {
  const std::uint32_t output = shared_.index_of(graph_[id].outputs[0]);
  if (types_.rule(id).weights &&
      !weights_of(id).at(static_cast<float>(input_scale(id, types_.rule(id).weights->data)), types_.type(id)))
    return give_up(id, "no scale keeps its sums within the kernel's integers");
  if (types_.rule(id).relation == ScaleRelation::table &&
      input_scale(id, 0) >= target_.limits(types_.type(id)).table_input_bound)
    return give_up(id, "its input's scale is too coarse for the kernel's table");
  const double needed = needed_scale(id);
  if (needed > scale_of(quantizations_[output]) && !(keeps_levels(output, needed) && raise(output, needed)))
    return give_up(id, "no output scale keeps its multiplier within the kernel's bounds");
  if (scale_of(quantizations_[output]) > largest_scale(id))
    return give_up(id, "its output's scale is too coarse for the kernel's arithmetic");
  if (types_.rule(id).relation == ScaleRelation::sum) widen_inputs_of_sum(id);
}

/// The least scale of the output with which upper bounds hold.
double FittedScales::needed_scale(OperatorId id) const {
  const QuantizationRule& rule = types_.rule(id);
  const ScaleLimits& limits = target_.limits(types_.type(id));
  switch (rule.relation) {
    case ScaleRelation::weighted: {
      const std::vector<float> scales = weight_scales(id);
      const double largest = scales.empty() ? 0 : *std::max_element(scales.begin(), scales.end());
      return largest * input_scale(id, rule.weights->data) / (limits.multiplier_bound * below_bound);
    }
    case ScaleRelation::sum:
      return std::max(input_scale(id, 0), input_scale(id, 1)) / (limits.sum_ratio_bound * below_bound);
    case ScaleRelation::product:
      return input_scale(id, 0) * input_scale(id, 1) / (limits.product_ratio_bound * below_bound);
    case ScaleRelation::matrices:
      return input_scale(id, 0) * input_scale(id, 1) / (limits.multiplier_bound * below_bound);
    case ScaleRelation::rescaled:
      return static_cast<double>(rule.gain) * input_scale(id, 0) / (limits.rescaling_bound * below_bound);
    case ScaleRelation::inverse_root:
      return 1 / (std::sqrt(input_scale(id, 0)) * limits.inverse_root_bound * below_bound);
    case ScaleRelation::table:
    case ScaleRelation::none:
      break;
  }
  return 0;
}

/// The greatest scale of the output with which lower bounds hold that no other scale of an input mends.
double FittedScales::largest_scale(OperatorId id) const {
  if (types_.rule(id).relation != ScaleRelation::inverse_root) return largest_float;
  const ScaleLimits& limits = target_.limits(types_.type(id));
  return 1 / (std::sqrt(input_scale(id, 0)) * limits.smallest_inverse_root * above_smallest);
}

/// On a scale that much coarser than its range asks for, a tensor keeps some of its levels. What its own
/// scale holds as nothing but 0 needs none.
bool FittedScales::keeps_levels(std::uint32_t group, double scale) const {
  const double own = scale_of(initial_[group]);
  return scale <= most_coarsening * own || own <= static_cast<double>(smallest_scale);
}

bool FittedScales::raise(std::uint32_t group, double scale) {
  if (shared_.groups()[group].fixed || scale > largest_float || raises_[group] == most_raises) return false;
  ++raises_[group];
  quantizations_[group] = with_scale_at_least(initial_[group], scale, shared_.groups()[group].type);
  enqueue_around(group);
  return true;
}

/// What is that small beside a sum has no bit to give to it: if nobody else reads it, it takes a coarser
/// scale itself, which spares a conversion.
void FittedScales::widen_inputs_of_sum(OperatorId id) {
  const double smallest = target_.limits(types_.type(id)).smallest_sum_ratio * above_smallest;
  const TfliteOperator& op = graph_[id];
  const double least = scale_of(quantizations_[shared_.index_of(op.outputs[0])]) * smallest;
  for (const TensorId input : op.inputs) {
    if (!is_activation(graph_, input)) continue;
    const std::uint32_t group = shared_.index_of(input);
    if (shared_.groups()[group].type != types_.type(id)) continue;
    // Kernels without a relation of scales (tables, roots) are right at the scale of their own range alone.
    const OperatorId producer = graph_.producer(input);
    if (producer.exists() && types_.rule(producer).relation == ScaleRelation::none) continue;
    if (shared_.groups()[group].uses == 1 && least > scale_of(quantizations_[group])) raise(group, least);
  }
}

/// Its output need not serve its multiplier any more.
void FittedScales::give_up(OperatorId id, std::string reason) {
  types_.keep_float(id, std::move(reason));
  const std::uint32_t group = shared_.index_of(graph_[id].outputs[0]);
  quantizations_[group] = initial_[group];
  raises_[group] = 0;
  enqueue_around(group);
}

/// Before ratios are looked at.
Quantization FittedScales::natural_quantization(OperatorId id, std::size_t position) const {
  const TensorId input = graph_[id].inputs[position];
  const DType type = types_.type(id);
  const bool symmetric = types_.rule(id).symmetric_input == position;
  if (graph_.is_constant(input)) {
    // Symmetric constants aren't shared with others: nothing to remember.
    if (symmetric)
      return activation_quantization(range_of_constant(graph_[input]).value_or(Range{}), type, true);
    if (const auto own = ranges_.constants.find({id, position}); own != ranges_.constants.end())
      return activation_quantization(own->second, type);
    const auto [entry, is_new] = constants_.try_emplace({input, type});
    if (is_new)
      entry->second = activation_quantization(range_of_constant(graph_[input]).value_or(Range{}), type);
    return entry->second;
  }
  const SharedQuantization::Group& group = shared_.group_of(input);
  const Quantization& own = quantization_of(input);
  if (group.type != type) return activation_quantization(group.range, type, symmetric);
  if (symmetric && own.zero_points.front() != 0) return activation_quantization(group.range, type, true);
  return own;
}

double FittedScales::input_scale(OperatorId id, std::size_t position) const {
  return scale_of(natural_quantization(id, position));
}

Quantization FittedScales::operand_quantization(OperatorId id, std::size_t position) const {
  const Quantization natural = natural_quantization(id, position);
  const ScaleRelation relation = types_.rule(id).relation;
  if (relation != ScaleRelation::sum && relation != ScaleRelation::product) return natural;
  const ScaleLimits& limits = target_.limits(types_.type(id));
  const double output = scale_of(quantization_of(graph_[id].outputs[0]));
  if (relation == ScaleRelation::sum) {
    const double least = output * limits.smallest_sum_ratio * above_smallest;
    return with_scale_at_least(natural, output * limits.smallest_sum_ratio <= scale_of(natural) ? 0 : least,
                               types_.type(id));
  }
  // A product that small is less than a level of the output: coarser factors lose nothing. The finer one is
  // made coarser until it is as coarse as the other, then both.
  const double own = scale_of(natural), other = input_scale(id, 1 - position);
  if (own * other >= output * limits.smallest_product_ratio) return natural;
  const double least = output * limits.smallest_product_ratio * above_smallest;
  const double root = std::sqrt(least);
  if (own >= root) return natural;
  return with_scale_at_least(natural, other >= root ? least / other : root, types_.type(id));
}

const WeightScales& FittedScales::weights_of(OperatorId id) const {
  auto& known = weights_[id];
  if (known) return *known;
  const TfliteOperator& op = graph_[id];
  const WeightsRule& rule = *types_.rule(id).weights;
  const TensorId weights = op.inputs[rule.input];
  const TensorId bias = op.inputs.size() > rule.bias ? op.inputs[rule.bias] : TensorId{};
  auto& shared = shared_weights_[{weights, bias}];
  if (!shared) {
    const Tensor values = bias.exists() ? graph_[bias].as_tensor() : Tensor{};
    shared =
        std::make_shared<const WeightScales>(graph_[weights].as_tensor(), rule.axis,
                                             bias.exists() ? values.as<float>() : std::span<const float>());
  }
  known = shared;
  return *known;
}

std::vector<float> FittedScales::weight_scales(OperatorId id) const {
  const auto data = types_.rule(id).weights->data;
  return weights_of(id).at(static_cast<float>(input_scale(id, data)), types_.type(id)).value();
}

}  // namespace calib8
