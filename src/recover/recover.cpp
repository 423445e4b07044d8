#include "recover/recover.h"

#include <algorithm>

#include "recover/last_layers.h"

namespace calib8 {
namespace {

constexpr std::size_t fewest_selection_samples = 4;
constexpr std::size_t most_candidates = 6;

/// So many that their outputs fit into memory, of the float model and of a candidate.
std::size_t samples_to_compare_on(const TfliteGraph& graph, std::size_t there, Effort effort) {
  constexpr std::int64_t most_values = 1 << 24;
  const auto fitting =
      static_cast<std::size_t>(std::max<std::int64_t>(most_values / (output_elements(graph) + 1), 2));
  return std::min({there, selection_samples(effort), fitting});
}

/// Only numbers can be compared; and LiteRT's time to open a model, which each candidate takes, grows with
/// the square of its operators.
bool can_be_measured(const TfliteGraph& graph) {
  constexpr std::size_t most_operators = 10000;  // some 2 s for each candidate
  return graph.node_count() <= most_operators && std::ranges::all_of(graph.outputs(), [&](TensorId output) {
           return graph[output].dtype == DType::float32;
         });
}

}  // namespace

std::size_t selection_samples(Effort effort) {
  switch (effort) {
    case Effort::fast:
      return 0;
    case Effort::balanced:
      return 20;
    case Effort::max:
      return 60;
  }
  return 0;
}

Recovered recover(const QuantizationTask& task, const RecoveryOptions& options) {
  const Recipe plain{.ranges = options.method};
  QuantizedModel first = make_quantized(task, plain);
  if (options.effort == Effort::fast || !can_be_measured(task.model.graph))
    return {std::move(first), plain, {}, 0, true};

  const bool set_apart = options.selection && options.selection->size() >= fewest_selection_samples;
  const SampleSource& samples = set_apart ? *options.selection : task.calibration;
  StepCounter progress(options.progress, most_candidates);
  Trials trials(task, samples, samples_to_compare_on(task.model.graph, samples.size(), options.effort),
                [&] { progress.step(); });
  const InputsOfLayers inputs = observe_inputs(task, first, options.effort);
  trials.add(plain, std::move(first));
  std::vector<CalibrationMethod> methods = {options.method};
  // Samples that calibrated lie within what was seen, so they can't tell what room beside it is worth.
  if (set_apart && options.method == CalibrationMethod::mse) methods.push_back(CalibrationMethod::minmax);
  RoundedWeights known;
  for (const CalibrationMethod method : methods) {
    if (method != options.method) trials.add({.ranges = method}, make_quantized(task, {.ranges = method}));
    const Recipe recipe{.ranges = method, .rounding = "second-order"};
    trials.add(recipe, make_quantized(task, recipe, {&inputs, &known}));
  }
  const Recipe uncorrected = trials.best_recipe();
  const bool rounded = uncorrected.rounding == "second-order";
  const FittedCorrections fitted = fit_last_layers(task, trials.best());
  for (const bool gain : {false, true}) {
    const Corrections& corrections = gain ? fitted.gain_and_shift : fitted.shift;
    if (corrections.empty()) continue;
    Recipe recipe = uncorrected;
    recipe.bias = true, recipe.gain = gain;
    trials.add(recipe,
               make_quantized(task, recipe,
                              {rounded ? &inputs : nullptr, rounded ? &known : nullptr, &corrections}));
  }
  const std::size_t best = trials.best_index();
  return {trials.take_best(), trials.all()[best].recipe, trials.all(), trials.sample_count(), set_apart};
}

}  // namespace calib8
