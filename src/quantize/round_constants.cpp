#include "quantize/round_constants.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/parallel.h"
#include "calib8/error.h"
#include "quantize/scale.h"

namespace calib8 {
namespace {

/// Bias levels are kept this far from overflow: WeightScales has left more room still.
template <class T>
Data bias_levels(std::span<const double> values, const Quantization& quantization, double limit) {
  std::vector<T> levels(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double scale = quantization.scales[quantization.scales.size() == 1 ? 0 : i];
    const double level = std::nearbyint(values[i] / scale);
    levels[i] = static_cast<T>(std::clamp(level, -limit, limit));
  }
  return Data::from_vector(std::move(levels));
}

Data bias_levels(const std::vector<double>& values, const TensorPlan& plan) {
  return plan.dtype == DType::int64 ? bias_levels<std::int64_t>(values, plan.quantization, 0x1p47)
                                    : bias_levels<std::int32_t>(values, plan.quantization, 0x1p30);
}

/// The forms that the operands of a plan want of its constants, and their rounding.
class Forms {
 public:
  Forms(const TfliteGraph& graph, const Plan& plan, const Rounding& rounding)
      : graph_(graph), rounding_(rounding) {
    for (const OperatorId id : graph.nodes()) {
      for (auto entry = plan.operands.lower_bound({id, 0});
           entry != plan.operands.end() && entry->first.reader == id; ++entry)
        add(entry->first, entry->second);
    }
  }

  std::vector<RoundedConstant> round(int threads) {
    // Biases take over what is lost by rounding weights.
    for (const bool biases : {false, true}) {
      parallel_for(forms_.size(), threads, [&](int, std::size_t i) {
        RoundedConstant& form = forms_[i];
        if ((form.plan.role == TensorRole::bias) == biases) form.elements = rounded(form);
      });
    }
    return std::move(forms_);
  }

 private:
  const LayerInputs* inputs_of(OperatorId layer) const {
    if (!rounding_.inputs) return nullptr;
    const auto found = rounding_.inputs->find(layer);
    return found == rounding_.inputs->end() ? nullptr : &found->second;
  }

  void add(const Operand& operand, const TensorPlan& plan) {
    const TensorId source = graph_[operand.reader].inputs[operand.position];
    if (!graph_.is_constant(source)) return;
    const bool is_own = plan.role == TensorRole::bias && inputs_of(operand.reader);
    if (plan.role == TensorRole::bias) biases_.insert(operand.reader);
    std::vector<std::size_t>& known = forms_of_[source];
    const auto same = std::ranges::find_if(known, [&](std::size_t i) { return forms_[i].plan == plan; });
    if (same != known.end() && !is_own) {
      forms_[*same].operands.push_back(operand);
      if (plan.role == TensorRole::weights) weights_of_[operand.reader] = *same;
      return;
    }
    if (!is_own) known.push_back(forms_.size());
    if (plan.role == TensorRole::weights) weights_of_[operand.reader] = forms_.size();
    forms_.push_back({source, plan, {operand}, {}});
  }

  WeightsToRound task_of(const RoundedConstant& weights, const Tensor& values) const {
    WeightsToRound task{values, weights.plan.quantization, weights.plan.correlation, {}, true};
    for (const Operand& operand : weights.operands) {
      if (const LayerInputs* inputs = inputs_of(operand.reader)) task.inputs.push_back(inputs);
      if (!biases_.contains(operand.reader)) task.bias_takes_mean = false;
    }
    return task;
  }

  Data rounded(const RoundedConstant& form) const {
    const Tensor constant = graph_[form.source].as_tensor();
    switch (form.plan.role) {
      case TensorRole::weights:
        return rounded_weights(form, constant);
      case TensorRole::bias:
        return rounded_bias(form, constant.as<float>());
      case TensorRole::activation:
        return quantize_values(constant.as<float>(), form.plan.quantization, form.plan.dtype);
    }
    throw Error(ErrorCode::internal, "not a TensorRole", graph_[form.source].name);
  }

  Data rounded_weights(const RoundedConstant& form, const Tensor& values) const {
    RoundedWeights* const known = rounding_.known;
    if (known) {
      if (auto levels = known->find(form.source, form.plan.quantization)) return *std::move(levels);
    }
    Data levels = Data::from_vector(rounding_.method.round(task_of(form, values)));
    if (known) known->add(form.source, form.plan.quantization, levels);
    return levels;
  }

  Data rounded_bias(const RoundedConstant& form, std::span<const float> values) const {
    std::vector<double> exact(values.begin(), values.end());
    const OperatorId layer = form.operands.front().reader;
    if (const LayerInputs* inputs = inputs_of(layer)) {
      const RoundedConstant& weights = forms_[weights_of_.at(layer)];
      const Tensor constant = graph_[weights.source].as_tensor();
      const auto bytes = weights.elements.bytes();
      const std::span<const std::int8_t> levels(reinterpret_cast<const std::int8_t*>(bytes.data()),
                                                bytes.size());
      const std::vector<double> lost = mean_lost(task_of(weights, constant), levels, *inputs);
      for (std::size_t i = 0; i < exact.size(); ++i) exact[i] += lost[i];
    }
    return bias_levels(exact, form.plan);
  }

  const TfliteGraph& graph_;
  const Rounding& rounding_;
  std::vector<RoundedConstant> forms_;
  std::map<TensorId, std::vector<std::size_t>>
      forms_of_;                                  ///< Positions in forms_, by what they are forms of.
  std::map<OperatorId, std::size_t> weights_of_;  ///< Position in forms_ of a layer's weights.
  std::set<OperatorId> biases_;                   ///< Layers that have one.
};

}  // namespace

std::optional<Data> RoundedWeights::find(TensorId source, const Quantization& quantization) const {
  const std::lock_guard lock(mutex_);
  const auto found = levels_.find(source);
  if (found == levels_.end()) return std::nullopt;
  for (const auto& [scales, levels] : found->second) {
    if (scales == quantization) return levels;
  }
  return std::nullopt;
}

void RoundedWeights::add(TensorId source, const Quantization& quantization, const Data& levels) {
  if (source.index >= tensors_) return;
  const std::lock_guard lock(mutex_);
  levels_[source].emplace_back(quantization, levels);
}

std::vector<RoundedConstant> round_constants(const TfliteGraph& graph, const Plan& plan,
                                             const Rounding& rounding, int threads) {
  return Forms(graph, plan, rounding).round(threads);
}

}  // namespace calib8
