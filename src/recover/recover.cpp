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

MixingLimits mixing_limits(const RecoveryOptions& options) {
  MixingLimits limits{.may_change_outputs = options.may_change_outputs};
  if (options.effort == Effort::max) limits.probes *= 2;
  return limits;
}

/// Only numbers can be compared.
bool can_be_measured(const TfliteGraph& graph) {
  return std::ranges::all_of(graph.outputs(),
                             [&](TensorId output) { return graph[output].dtype == DType::float32; });
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
    return {std::move(first), plain, {}, 0, true, {}};

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
  std::optional<MixedPrecision> kept;
  if (options.may_keep_float && task.choices.activations == DType::int8) {
    const auto make = [&](const QuantizationChoices& choices) {
      QuantizationTask mixed = task;
      mixed.choices = choices;
      return make_quantized(mixed, uncorrected, {rounded ? &inputs : nullptr, rounded ? &known : nullptr});
    };
    auto mixed = mix_precision(task, trials, options.goal, trials.best(), mixing_limits(options), make);
    if (mixed) {
      kept = std::move(mixed->mixed);
      Recipe recipe = uncorrected;
      recipe.mixed = true;
      trials.prefer(recipe, kept->after, std::move(mixed->model));
    }
  }
  return {trials.take_best(), trials.best_recipe(), trials.all(), trials.sample_count(),
          set_apart,          std::move(kept)};
}

}  // namespace calib8
