#include "recover/mixed_precision.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/tflite_op.h"
#include "recover/layer_search.h"
#include "recover/operator_cost.h"

namespace calib8 {
namespace {

/// Samples that a probe runs on: its error needn't be known better than by a decibel.
constexpr std::size_t probing_samples = 8;
/// More is no signal at all, whatever its size.
constexpr double most_noise = 100;
/// An element that is written, in multiplications.
constexpr double cost_of_element = 4;
/// An element that is converted, which takes a pass of its own over memory.
constexpr double cost_of_conversion = 8;

/// What an operator costs in float, in multiplications.
double cost_of(const QuantizationTask& task, OperatorId id) {
  const TfliteGraph& graph = task.model.graph;
  return multiplications(graph, id, task.target) + cost_of_element * elements_written(graph, id);
}

/// The operators that may compute in either type, and what they cost in float.
struct Candidates {
  std::vector<OperatorId> operators;  ///< In execution order.
  std::vector<double> costs;
};

Candidates find_candidates(const QuantizationTask& task, const Plan& plan) {
  const TfliteGraph& graph = task.model.graph;
  std::set<OperatorId> is_float;
  for (const FloatOperator& op : plan.float_operators) is_float.insert(op.id);
  Candidates candidates;
  for (const OperatorId id : graph.nodes()) {
    const OutputRange rule = quantization_rule(graph, graph[id], task.target).output;
    // What only moves bytes does so in the type of its neighbours.
    if (is_float.contains(id) || rule == OutputRange::no_range || rule == OutputRange::same_as_input)
      continue;
    candidates.operators.push_back(id);
    candidates.costs.push_back(cost_of(task, id));
  }
  return candidates;
}

class Mixing {
 public:
  Mixing(const QuantizationTask& task, const Trials& trials, const AccuracyGoal& goal,
         const QuantizedModel& integers, const MixingLimits& limits, const MakeModel& make)
      : task_(task),
        trials_(trials),
        goal_(goal),
        integers_(integers),
        limits_(limits),
        make_(make),
        candidates_(find_candidates(task, integers.plan)),
        outputs_(task.choices.float_outputs) {}

  std::optional<MixedModel> run() {
    const auto of_integers = trials_.outputs_of(integers_.runnable(), trials_.sample_count());
    standing_ = judge(of_integers);
    result_.before = result_.after = trials_.score(of_integers);
    if (standing_.reached || candidates_.operators.empty()) return std::nullopt;
    settle_outputs();
    if (!best_ || !result_.reached) settle_operators();
    if (!best_) return std::nullopt;
    result_.outputs = best_->choices.float_outputs;
    for (const TensorId output : task_.choices.float_outputs) result_.outputs.erase(output);
    result_.multiplications_share = share_of_multiplications(best_->model.plan);
    best_->mixed = std::move(result_);
    return std::move(best_);
  }

 private:
  using Floats = std::map<OperatorId, std::string>;

  Standing judge(const std::vector<std::vector<float>>& outputs) const {
    const std::span<const std::vector<float>> of_float(trials_.of_float());
    return compare_with_goal(goal_, task_.model.graph, of_float.first(outputs.size()), outputs);
  }
  std::vector<double> noise_of(const std::vector<std::vector<float>>& outputs) const {
    std::vector<double> noise;
    for (const Need& need : judge(outputs).needs) noise.push_back(std::min(need.noise, most_noise));
    return noise;
  }
  std::vector<double> allowed() const {
    std::vector<double> all;
    for (const Need& need : standing_.needs) all.push_back(need.allowed);
    return all;
  }
  std::vector<double> probe(const QuantizationChoices& choices) {
    ++result_.trials;
    const std::size_t count = std::min(probing_samples, trials_.sample_count());
    return noise_of(trials_.outputs_of(make_(choices).runnable(), count));
  }

  QuantizationChoices choices_with(Floats floats) const {
    QuantizationChoices choices = task_.choices;
    choices.float_operators.merge(std::move(floats));
    choices.float_outputs = outputs_;
    return choices;
  }
  Floats all_but(std::size_t first, std::size_t count) const {
    Floats floats;
    for (std::size_t i = 0; i < candidates_.operators.size(); ++i) {
      if (i < first || i >= first + count) floats.emplace(candidates_.operators[i], "to find out what harms");
    }
    return floats;
  }

  /// Keeps what comes nearest to the goal; true where it is reached.
  bool confirm(const QuantizationChoices& choices, std::vector<FloatIsland> islands) {
    ++result_.trials, ++confirmations_;
    QuantizedModel model = make_(choices);
    const auto outputs = trials_.outputs_of(model.runnable(), trials_.sample_count());
    const Standing standing = judge(outputs);
    last_ = standing;
    const double decibels = trials_.score(outputs);
    const bool is_better = standing.reached != result_.reached ? standing.reached
                           : standing.reached                  ? cost_of(islands) < cost_of(result_.islands)
                                                               : decibels > result_.after;
    if (!is_better) return standing.reached;
    result_.islands = std::move(islands);
    result_.after = decibels;
    result_.reached = standing.reached;
    best_ = MixedModel{{}, choices, std::move(model)};
    return standing.reached;
  }

  /// Gives outputs out in float where a single int8 scale, or the join of parts, is too coarse for them even
  /// when all before computes in float.
  void settle_outputs() {
    if (!limits_.may_change_outputs || task_.choices.has_float_outputs) return;
    floor_ = probe(choices_with(all_but(0, 0)));
    const std::vector<double> most = allowed();
    // Half of what is allowed is left to what computes in integers.
    const bool is_coarse =
        !std::ranges::equal(floor_, most, [](double noise, double allowed) { return noise <= allowed / 2; });
    if (!is_coarse) return;
    const std::vector<TensorId>& outputs = task_.model.graph.outputs();
    outputs_.insert(outputs.begin(), outputs.end());
    confirm(choices_with({}), {});
  }

  void settle_operators() {
    floor_ = probe(choices_with(all_but(0, 0)));
    LayerSearch search(candidates_.costs, [&](std::size_t first, std::size_t count) {
      std::vector<double> harm = probe(choices_with(all_but(first, count)));
      for (std::size_t i = 0; i < harm.size(); ++i) harm[i] = std::max(harm[i] - floor_[i], 0.0);
      return harm;
    });
    std::vector<double> most = allowed();
    for (std::size_t i = 0; i < most.size(); ++i) most[i] -= floor_[i];
    std::vector<Stretch> chosen;
    const std::size_t begun = confirmations_;
    while (confirmations_ < begun + limits_.confirmations / 2) {
      chosen = search.choose(most, limits_.probes);
      if (chosen.empty() || std::ranges::all_of(most, [](double m) { return m <= 0; })) break;
      if (confirm(choices_with(floats_of(chosen)), islands_of(chosen))) break;
      // Errors add up to more than was estimated: less is allowed to each.
      for (std::size_t i = 0; i < most.size(); ++i) {
        const Need& need = last_.needs[i];
        most[i] *= std::clamp(0.8 * need.allowed / std::max(need.noise, 1e-12), 0.1, 1.0);
      }
    }
    if (result_.reached) leave_out(std::move(chosen), begun + limits_.confirmations);
  }

  /// Errors may also add up to less: what costs most is tried without.
  void leave_out(std::vector<Stretch> chosen, std::size_t most_confirmations) {
    std::vector<Stretch> order = chosen;
    std::ranges::stable_sort(order, [](const Stretch& a, const Stretch& b) { return a.cost > b.cost; });
    for (const Stretch& stretch : order) {
      if (confirmations_ >= most_confirmations) return;
      std::vector<Stretch> fewer;
      std::ranges::copy_if(chosen, std::back_inserter(fewer),
                           [&](const Stretch& other) { return other.first != stretch.first; });
      if (confirm(choices_with(floats_of(fewer)), islands_of(fewer))) chosen = std::move(fewer);
    }
  }

  std::vector<FloatIsland> islands_of(const std::vector<Stretch>& stretches) const {
    std::vector<FloatIsland> islands;
    for (const Stretch& stretch : stretches) {
      const auto begin = candidates_.operators.begin() + static_cast<std::ptrdiff_t>(stretch.first);
      islands.push_back({{begin, begin + static_cast<std::ptrdiff_t>(stretch.count)}, decibels_of(stretch)});
    }
    return islands;
  }
  /// Of the need that it comes nearest to failing, or fails most.
  double decibels_of(const Stretch& stretch) const {
    double worst = 0, of_worst = 1;
    for (std::size_t i = 0; i < stretch.harm.size(); ++i) {
      const double ratio = stretch.harm[i] / standing_.needs[i].allowed;
      if (ratio > worst) worst = ratio, of_worst = stretch.harm[i];
    }
    return to_decibels(of_worst);
  }
  Floats floats_of(const std::vector<Stretch>& stretches) const {
    Floats floats;
    for (const FloatIsland& island : islands_of(stretches)) {
      const std::string with =
          island.operators.size() == 1
              ? "it harms most: in int8 it alone"
              : fmt::format("it is among {} that harm most: in int8 these alone", island.operators.size());
      for (const OperatorId id : island.operators)
        floats.emplace(id, fmt::format("{} leave{} {:.1f} dB", with, island.operators.size() == 1 ? "s" : "",
                                       island.decibels_alone));
    }
    fill_gaps(floats);
    return floats;
  }
  /// Integers between two stretches in float that save less than converting to them and back costs.
  void fill_gaps(Floats& floats) const {
    const auto is_float = [&](std::size_t i) { return floats.contains(candidates_.operators[i]); };
    const std::size_t count = candidates_.operators.size();
    for (std::size_t first = 1; first < count; ++first) {
      if (is_float(first) || !is_float(first - 1)) continue;
      std::size_t end = first;
      double cost = 0;
      for (; end < count && !is_float(end); ++end) cost += candidates_.costs[end];
      if (end == count) return;
      const double converted = elements_written(task_.model.graph, candidates_.operators[first - 1]) +
                               elements_written(task_.model.graph, candidates_.operators[end - 1]);
      if (cost > cost_of_conversion * converted) continue;
      for (std::size_t i = first; i < end; ++i)
        floats.emplace(candidates_.operators[i], "a conversion to int8 and back would cost more");
    }
  }
  double cost_of(const std::vector<FloatIsland>& islands) const {
    double sum = 0;
    for (const FloatIsland& island : islands) {
      for (const OperatorId id : island.operators) sum += calib8::cost_of(task_, id);
    }
    return sum;
  }
  double share_of_multiplications(const Plan& plan) const {
    double in_float = 0, all = 0;
    for (const OperatorId id : task_.model.graph.nodes())
      all += multiplications(task_.model.graph, id, task_.target);
    for (const FloatOperator& op : plan.float_operators)
      in_float += multiplications(task_.model.graph, op.id, task_.target);
    return all > 0 ? in_float / all : 0;
  }

  const QuantizationTask& task_;
  const Trials& trials_;
  const AccuracyGoal& goal_;
  const QuantizedModel& integers_;
  const MixingLimits& limits_;
  const MakeModel& make_;
  Candidates candidates_;
  std::set<TensorId> outputs_;
  Standing standing_, last_;   ///< Of the integer model, and of what was confirmed last.
  std::vector<double> floor_;  ///< What inputs and outputs alone lose.
  std::size_t confirmations_ = 0;
  MixedPrecision result_;
  std::optional<MixedModel> best_;
};

}  // namespace

std::optional<MixedModel> mix_precision(const QuantizationTask& task, const Trials& trials,
                                        const AccuracyGoal& goal, const QuantizedModel& integers,
                                        const MixingLimits& limits, const MakeModel& make) {
  return Mixing(task, trials, goal, integers, limits, make).run();
}

}  // namespace calib8
