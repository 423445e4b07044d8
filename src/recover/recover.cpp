#include "recover/recover.h"

#include <algorithm>
#include <memory>

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

/// Only numbers can be compared; and LiteRT's time to open a model, which each candidate takes, grows with
/// the square of its operators.
bool can_be_measured(const TfliteGraph& graph) {
  constexpr std::size_t most_operators = 10000;  // some 2 s for each candidate
  return graph.node_count() <= most_operators && std::ranges::all_of(graph.outputs(), [&](TensorId output) {
           return graph[output].dtype == DType::float32;
         });
}

/// What layers meet in another form of the model, in which `changed` ones meet other values than `inputs`
/// say.
InputsOfLayers inputs_in_form(const QuantizationTask& form, const std::vector<OperatorId>& changed,
                              const Recipe& recipe, const RecoveryOptions& options, InputsOfLayers inputs) {
  const QuantizedModel plain = make_quantized(
      form, {.ranges = options.method, .equalized = recipe.equalized, .pixels = recipe.pixels});
  for (const OperatorId layer : changed) inputs.erase(layer);
  inputs.merge(observe_inputs(form, plain, options.effort, changed));
  return inputs;
}

/// The best so far, of the model with equalized channels. Where that is better, `inputs` are what its layers
/// meet, and `known` are its weights.
bool try_equalized(const EqualizedCandidate& equalized, const RecoveryOptions& options,
                   InputsOfLayers& inputs, std::unique_ptr<RoundedWeights>& known, Trials& trials) {
  Recipe recipe = trials.best_recipe();
  recipe.equalized = true;
  if (recipe.rounding != "second-order") return trials.add(recipe, make_quantized(equalized.task, recipe));
  InputsOfLayers met = inputs_in_form(equalized.task, equalized.layers, recipe, options, inputs);
  auto anew = std::make_unique<RoundedWeights>(equalized.task.model.graph);
  if (!trials.add(recipe, make_quantized(equalized.task, recipe, {&met, anew.get()}))) return false;
  inputs = std::move(met);
  known = std::move(anew);
  return true;
}

/// The best so far, with pixels as its input. Where that is better, `inputs` are what its layers meet.
bool try_pixels(const PixelCandidate& pixels, const RecoveryOptions& options, InputsOfLayers& inputs,
                RoundedWeights& known, Trials& trials) {
  Recipe recipe = trials.best_recipe();
  recipe.pixels = true;
  if (recipe.rounding != "second-order")
    return trials.add(recipe, make_quantized(pixels.task, recipe), pixels.least_gain);
  InputsOfLayers met = inputs_in_form(pixels.task, pixels.first_layers, recipe, options, inputs);
  const bool better =
      trials.add(recipe, make_quantized(pixels.task, recipe, {&met, &known}), pixels.least_gain);
  if (better) inputs = std::move(met);
  return better;
}

bool reaches_goal(const QuantizationTask& task, const AccuracyGoal& goal, const Trials& trials) {
  const auto outputs = trials.outputs_of(trials.best().runnable(), trials.sample_count());
  return compare_with_goal(goal, task.model.graph, trials.of_float(), outputs).reached;
}

/// The recipe with operators in float, where that helps; `integers` is made by it without.
std::optional<MixedPrecision> keep_float(const QuantizationTask& task, const RecoveryOptions& options,
                                         const Recipe& recipe, const Findings& findings,
                                         const QuantizedModel& integers, Trials& trials) {
  const auto make = [&](const QuantizationChoices& choices) {
    QuantizationTask mixed = task;
    mixed.choices = choices;
    return make_quantized(mixed, recipe, findings);
  };
  auto mixed = mix_precision(task, trials, options.goal, integers, mixing_limits(options), make);
  const double best_so_far = trials.all()[trials.best_index()].decibels;
  if (!mixed || (!mixed->mixed.reached && mixed->mixed.after <= best_so_far)) return std::nullopt;
  Recipe with_floats = recipe;
  with_floats.mixed = true;
  trials.prefer(with_floats, mixed->mixed.after, std::move(mixed->model));
  return std::move(mixed->mixed);
}

/// The same with pixels as the input: what normalized values lose on int8's levels no float layer gives back.
std::optional<MixedPrecision> keep_float_with_pixels(const PixelCandidate& pixels,
                                                     const RecoveryOptions& options, Recipe recipe,
                                                     InputsOfLayers inputs, RoundedWeights& known,
                                                     Trials& trials) {
  for (const OperatorId layer : pixels.first_layers) inputs.erase(layer);
  recipe.pixels = true;
  const bool rounded = recipe.rounding == "second-order";
  const Findings findings{rounded ? &inputs : nullptr, rounded ? &known : nullptr};
  const QuantizedModel integers = make_quantized(pixels.task, recipe, findings);
  return keep_float(pixels.task, options, recipe, findings, integers, trials);
}

}  // namespace

bool can_compare_on(const SampleSource* selection) {
  return selection != nullptr && selection->size() >= fewest_selection_samples;
}

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
  const bool pixels = !task.model.graph.pixel_inputs.empty();
  const Recipe plain{.ranges = options.method, .pixels = pixels};
  QuantizedModel first = make_quantized(task, plain);
  if (options.effort == Effort::fast || !can_be_measured(task.model.graph))
    return {std::move(first), plain, {}, 0, true, {}};

  const bool set_apart = can_compare_on(options.selection);
  const SampleSource& samples = set_apart ? *options.selection : task.calibration;
  StepCounter progress(options.progress,
                       most_candidates + (options.pixels ? 1 : 0) + (options.equalized ? 1 : 0));
  Trials trials(task, samples, samples_to_compare_on(task.model.graph, samples.size(), options.effort),
                [&] { progress.step(); });
  InputsOfLayers inputs = observe_inputs(task, first, options.effort);
  trials.add(plain, std::move(first));
  std::vector<CalibrationMethod> methods = {options.method};
  // Samples that calibrated lie within what was seen, so they can't tell what room beside it is worth.
  if (set_apart && options.method == CalibrationMethod::mse) methods.push_back(CalibrationMethod::minmax);
  auto known = std::make_unique<RoundedWeights>(task.model.graph);
  for (const CalibrationMethod method : methods) {
    Recipe recipe{.ranges = method, .pixels = pixels};
    if (method != options.method) trials.add(recipe, make_quantized(task, recipe));
    recipe.rounding = "second-order";
    trials.add(recipe, make_quantized(task, recipe, {&inputs, known.get()}));
  }
  const bool rounded = trials.best_recipe().rounding == "second-order";
  const bool equalized =
      options.equalized && try_equalized(*options.equalized, options, inputs, known, trials);
  const auto& pixel_candidate = equalized ? options.equalized->pixels : options.pixels;
  const bool with_pixels = pixel_candidate && try_pixels(*pixel_candidate, options, inputs, *known, trials);
  const QuantizationTask& best_task = with_pixels ? pixel_candidate->task
                                      : equalized ? options.equalized->task
                                                  : task;
  const Recipe uncorrected = trials.best_recipe();
  const FittedCorrections fitted = fit_last_layers(best_task, trials.best());
  for (const bool gain : {false, true}) {
    const Corrections& corrections = gain ? fitted.gain_and_shift : fitted.shift;
    if (corrections.empty()) continue;
    Recipe recipe = uncorrected;
    recipe.bias = true, recipe.gain = gain;
    trials.add(recipe,
               make_quantized(best_task, recipe,
                              {rounded ? &inputs : nullptr, rounded ? known.get() : nullptr, &corrections}));
  }
  const Findings findings{rounded ? &inputs : nullptr, rounded ? known.get() : nullptr};
  std::optional<MixedPrecision> kept;
  // LiteRT has no fast kernels for int16: many models of it would take too long.
  const bool may_mix = options.may_keep_float && task.choices.activations == DType::int8;
  if (may_mix && !reaches_goal(best_task, options.goal, trials)) {
    kept = keep_float(best_task, options, uncorrected, findings, trials.best(), trials);
    if (pixel_candidate && !with_pixels && !(kept && kept->reached)) {
      auto other = keep_float_with_pixels(*pixel_candidate, options, uncorrected, inputs, *known, trials);
      if (other) kept = std::move(other);
    }
  }
  return {trials.take_best(), trials.best_recipe(), trials.all(), trials.sample_count(),
          set_apart,          std::move(kept)};
}

}  // namespace calib8
