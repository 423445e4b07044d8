#include "pipeline/small_model.h"

#include <fmt/format.h>

#include "calibrate/calibrate.h"
#include "optimize/optimize.h"
#include "optimize/validate.h"
#include "quantize/int8_weights.h"
#include "quantize/plan.h"
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

}  // namespace

SmallModel quantize_to_integers(ExportRun& run, const LoweredModel& model, TfliteGraph calibrated,
                                const TargetTraits& target, const RepresentativeData& data,
                                const std::shared_ptr<const LiteRt>& litert) {
  CalibrationOptions calibration;
  calibration.method = run.options.calibration;
  calibration.activations = activation_type(run.options);
  calibration.threads = run.threads;
  calibration.counted_values = counted_values(run.options.effort);
  calibration.progress = run.progress("calibrating");
  if (data.samples.overlap.is_beginning) calibration.keep_outputs = data.samples.verification->size();
  Calibration found = calibrate({calibrated, model.constants}, tensors_to_observe(calibrated, target),
                                *data.samples.calibration, litert, calibration);
  const Ranges ranges = std::move(found.ranges);
  run.end_stage("calibrate");

  const QuantizationTask task{.model = {calibrated, model.constants},
                              .ranges = ranges,
                              .extremes = found.extremes,
                              .target = target,
                              .choices = {.activations = activation_type(run.options),
                                          .has_float_outputs = io_of(run.options) == ModelIo::float32},
                              .io = io_of(run.options),
                              .calibration = *data.samples.calibration,
                              .litert = litert,
                              .threads = run.threads};
  Recovered recovered = recover(task, {.method = run.options.calibration,
                                       .effort = run.options.effort,
                                       .selection = data.samples.selection.get(),
                                       .progress = run.progress("comparing candidates")});
  if (!recovered.trials.empty()) run.report.measured.comparison = describe(recovered);
  const Plan& plan = recovered.model.plan;
  for (const FloatOperator& op : plan.float_operators) {
    const TfliteOperator& kept = calibrated[op.id];
    if (op.reason.empty()) continue;  // it converts between types
    run.report.float_operators.push_back(
        {std::string(name_of(kept.options)), calibrated[kept.outputs.front()].name, op.reason});
  }
  for (const UnequalJoin& join : plan.squeezing_joins) warn_of(run, calibrated, join);
  run.report.quantization = to_json(plan, calibrated, task.ranges_of(recovered.recipe.ranges));
  run.report.quantization["recipe"] = describe(recovered.recipe);
  if (run.options.plan_out) run.outputs.write_plan(run.report.quantization.dump(1) + "\n");
  run.dump("quantized graph", to_text(recovered.model.graph));
  return {std::move(calibrated), std::move(recovered.model.graph), std::move(recovered.model.file),
          std::move(found.outputs)};
}

SmallModel store_weights(ExportRun& run, const LoweredModel& model) {
  TfliteGraph graph = model.graph;
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
  return {model.graph, std::move(graph), std::move(file), {}};
}

}  // namespace calib8
