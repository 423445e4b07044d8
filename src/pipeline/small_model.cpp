#include "pipeline/small_model.h"

#include <fmt/format.h>

#include "calibrate/calibrate.h"
#include "optimize/optimize.h"
#include "optimize/validate.h"
#include "pipeline/gate.h"
#include "pipeline/keep_float.h"
#include "pipeline/pixel_input.h"
#include "quantize/int8_weights.h"
#include "quantize/plan.h"
#include "recover/equalization.h"
#include "recover/recover.h"
#include "write/tflite.h"

namespace calib8 {
namespace {

DType activation_type(const ExportOptions& options) {
  return options.quantize == QuantizeTo::int16x8 ? DType::int16 : DType::int8;
}

/// Of each tensor in each sample. More find the ranges of networks that hang on single values.
std::size_t counted_values(Effort effort) {
  switch (effort) {
    case Effort::fast:
      return 1 << 12;
    case Effort::balanced:
      return 1 << 14;
    case Effort::max:
      return 1 << 16;
  }
  return 1 << 12;
}

/// What every calibration of an export looks at.
ObservationOptions observation_options(const ExportRun& run) {
  return {.extremes_alone = run.options.calibration == CalibrationMethod::minmax,
          .threads = run.threads,
          .counted_values = counted_values(run.options.effort),
          .progress = {}};
}

CandidateComparison describe(const Recovered& recovered) {
  CandidateComparison comparison;
  comparison.samples = recovered.samples;
  comparison.set_apart = recovered.set_apart;
  for (const Trial& trial : recovered.trials) {
    if (trial.recipe == recovered.recipe) comparison.chosen = comparison.candidates.size();
    comparison.candidates.push_back({describe(trial.recipe), trial.decibels});
  }
  return comparison;
}

/// Where nothing was asked for, nothing is given up.
AccuracyGoal goal_of(const ExportOptions& options) {
  AccuracyGoal goal{.min_agreement = {}, .min_sqnr = asked_decibels(options)};
  if (options.min_agreement > 0) goal.min_agreement = options.min_agreement;
  return goal;
}

MixedPrecisionReport describe(const MixedPrecision& mixed, const TfliteGraph& graph) {
  MixedPrecisionReport report;
  for (const FloatIsland& island : mixed.islands) {
    auto& described = report.islands.emplace_back();
    described.decibels_alone = island.decibels_alone;
    for (const OperatorId id : island.operators)
      described.outputs.push_back(graph[graph[id].outputs.front()].name);
  }
  for (const TensorId output : mixed.outputs) report.float_outputs.push_back(graph[output].name);
  report.decibels_before = mixed.before;
  report.decibels_after = mixed.after;
  report.reached = mixed.reached;
  report.trials = mixed.trials;
  report.multiplications_share = mixed.multiplications_share;
  return report;
}

std::string word_of(Int8Weights use) {
  switch (use) {
    case Int8Weights::meet_integers:
      return "int8 kernel";
    case Int8Weights::widened:
      return "widened when loaded";
    case Int8Weights::looked_up:
      return "looked up";
  }
  throw Error(ErrorCode::internal, "not an Int8Weights");
}

void warn_of(const ExportRun& run, const TfliteGraph& graph, const UnequalJoin& join) {
  if (!run.options.note) return;
  run.options.note(fmt::format(
      "warning: '{}', on the way to an output, joins values that span {:.3g} and {:.3g}: one {} scale "
      "leaves the smaller few levels or none; --io float32 gives each part its own",
      graph[graph[join.id].outputs[0]].name, join.widest, join.narrowest,
      name_of(activation_type(run.options))));
}

/// The task of quantizing another form of the same network, with ranges of its own.
struct OtherTask {
  OtherTask(const TfliteGraph& graph, Ranges own_ranges, Ranges own_extremes, const QuantizationTask& other)
      : ranges(std::move(own_ranges)),
        extremes(std::move(own_extremes)),
        task{.model = {graph, other.model.constants},
             .ranges = ranges,
             .extremes = extremes,
             .target = other.target,
             .choices = other.choices,
             .io = other.io,
             .calibration = other.calibration,
             .litert = other.litert,
             .threads = other.threads} {}

  Ranges ranges, extremes;
  QuantizationTask task;
};

/// One graph, with and without pixels as its input.
struct TaskForms {
  TaskForms(const ExportOptions& options, const QuantizationTask& normalized, const RepresentativeData& data)
      : pixels(pixel_graph(options, normalized.model.graph, data)) {
    if (pixels)
      with_pixels.emplace(pixels->graph, with_pictures(normalized.ranges, *pixels),
                          with_pictures(normalized.extremes, *pixels), normalized);
  }
  /// As something to be tried; nothing where there is none.
  std::optional<PixelCandidate> candidate() const {
    if (!pixels) return std::nullopt;
    return PixelCandidate{with_pixels->task, pixels->first_layers,
                          least_gain_of_pixels(pixels->graph.pixel_inputs.at(0))};
  }

  std::optional<PixelGraph> pixels;
  std::optional<OtherTask> with_pixels;
};

/// The same network with equalized channels, calibrated anew where its values are others.
struct Equalized {
  Equalized(const ExportRun& run, EqualizedGraph equalized_graph, const QuantizationTask& other,
            const RepresentativeData& data)
      : graph(std::move(equalized_graph)) {
    std::vector<TensorId> changed;
    for (const TensorId tensor : graph.changed) {
      if (other.ranges[tensor.index]) changed.push_back(tensor);
    }
    const Observations seen = observe_activations({graph.graph, other.model.constants}, changed,
                                                  other.calibration, other.litert, observation_options(run));
    Ranges ranges = other.ranges, extremes = other.extremes;
    const auto replace = [&](Ranges& old, const ActivationRanges& found) {
      old.resize(found.size());
      for (const TensorId tensor : changed) old[tensor.index] = found[tensor.index];
    };
    replace(ranges, choose_ranges(graph.graph, seen, run.options.calibration, other.choices.activations,
                                  run.threads));
    replace(extremes, extremes_of(graph.graph, seen));
    normalized.emplace(graph.graph, std::move(ranges), std::move(extremes), other);
    forms.emplace(run.options, normalized->task, data);
  }

  EqualizedGraph graph;
  std::optional<OtherTask> normalized;
  std::optional<TaskForms> forms;
};

}  // namespace

Observations observe_model(ExportRun& run, const LoweredModel& model, const TfliteGraph& prepared,
                           const TargetTraits& target, const RepresentativeData& data,
                           const std::shared_ptr<const LiteRt>& litert) {
  ObservationOptions options = observation_options(run);
  options.progress = run.progress("calibrating");
  if (data.samples.overlap.is_beginning) options.keep_outputs = data.samples.verification->size();
  Observations seen = observe_activations({prepared, model.constants}, tensors_to_observe(prepared, target),
                                          *data.samples.calibration, litert, options);
  run.end_stage("calibrate");
  return seen;
}

SmallModel quantize_to_integers(ExportRun& run, const LoweredModel& model, const TfliteGraph& prepared,
                                const TargetTraits& target, const RepresentativeData& data,
                                const Observations& seen, const std::shared_ptr<const LiteRt>& litert) {
  const DType activations = activation_type(run.options);
  const Ranges ranges = choose_ranges(prepared, seen, run.options.calibration, activations, run.threads);
  const Ranges extremes = extremes_of(prepared, seen);
  const QuantizationTask task{
      .model = {prepared, model.constants},
      .ranges = ranges,
      .extremes = extremes,
      .target = target,
      .choices = {.activations = activations,
                  .float_operators = operators_to_keep(prepared, target, run.options.keep_float),
                  .has_float_inputs = io_of(run.options) == ModelIo::float32,
                  .has_float_outputs = io_of(run.options) == ModelIo::float32},
      .io = io_of(run.options),
      .calibration = *data.samples.calibration,
      .litert = litert,
      .threads = run.threads};
  const TaskForms forms(run.options, task, data);
  RecoveryOptions recovery{.method = run.options.calibration,
                           .effort = run.options.effort,
                           .selection = data.samples.selection.get(),
                           .progress = run.progress("comparing candidates"),
                           .goal = goal_of(run.options),
                           .may_keep_float = !run.options.integer_only,
                           .may_change_outputs = run.options.io == ModelIo::automatic};
  const bool always = run.options.model_input == ModelInput::pixels;
  if (forms.pixels && !always) recovery.pixels.emplace(forms.candidate().value());
  std::optional<Equalized> equalized;
  if (recovery.effort != Effort::fast && activations == DType::int8) {
    auto graph = equalize_channels(task.model, *data.samples.calibration, litert, run.threads);
    if (graph) equalized.emplace(run, std::move(*graph), task, data);
  }
  const auto task_of = [&](bool equal, bool takes_pixels) -> const QuantizationTask& {
    const TaskForms& form = equal ? *equalized->forms : forms;
    if (takes_pixels) return form.with_pixels->task;
    return equal ? equalized->normalized->task : task;
  };
  const bool starts_with_pixels = always && forms.pixels;
  if (equalized) {
    recovery.equalized.emplace(task_of(true, starts_with_pixels), equalized->graph.layers,
                               always ? std::nullopt : equalized->forms->candidate());
  }
  Recovered recovered = recover(task_of(false, starts_with_pixels), recovery);
  const QuantizationTask& chosen = task_of(recovered.recipe.equalized, recovered.recipe.pixels);
  run.report.model_input =
      describe_model_input(recovered.model.graph, data.preprocessing ? &data.preprocessing->steps : nullptr);
  if (!recovered.trials.empty()) run.report.measured.comparison = describe(recovered);
  if (recovered.mixed) run.report.measured.mixed_precision = describe(*recovered.mixed, chosen.model.graph);
  const Plan& plan = recovered.model.plan;
  for (const FloatOperator& op : plan.float_operators) {
    const TfliteOperator& kept = chosen.model.graph[op.id];
    if (op.reason.empty()) continue;  // it converts between types
    run.report.float_operators.push_back(
        {std::string(name_of(kept.options)), chosen.model.graph[kept.outputs.front()].name, op.reason});
  }
  for (const UnequalJoin& join : plan.squeezing_joins) warn_of(run, chosen.model.graph, join);
  run.report.quantization = to_json(plan, chosen.model.graph, chosen.ranges_of(recovered.recipe.ranges));
  run.report.quantization["recipe"] = describe(recovered.recipe);
  if (run.options.plan_out) run.outputs.write_plan(run.report.quantization.dump(1) + "\n");
  run.dump("quantized graph", to_text(recovered.model.graph));
  return {chosen.model.graph, std::move(recovered.model.graph), std::move(recovered.model.file),
          seen.outputs};
}

SmallModel store_weights(ExportRun& run, const TfliteGraph& model) {
  TfliteGraph graph = model;
  if (run.options.quantize == QuantizeTo::dynamic) {
    for (const StoredWeights& stored : store_weights_as_int8(graph))
      run.report.narrow_weights.push_back({stored.weights, stored.op, word_of(stored.use)});
    run.report.quantization["recipe"] = "int8 weights per channel, float activations";
    run.dump("quantized graph", to_text(graph));
  } else {
    store_weights_as_float16(graph);
  }
  require_valid(graph);
  Data file = serialize_tflite(graph);
  return {model, std::move(graph), std::move(file), {}};
}

}  // namespace calib8
