#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "calib8/export.h"
#include "calibrate/calibrate.h"
#include "ops/verify.h"
#include "optimize/activation_memory.h"
#include "optimize/optimize.h"
#include "optimize/targets/targets.h"
#include "optimize/validate.h"
#include "pipeline/check_options.h"
#include "pipeline/check_preprocessing.h"
#include "pipeline/compare_onnx.h"
#include "pipeline/export_run.h"
#include "pipeline/float_accuracy.h"
#include "pipeline/float_model.h"
#include "pipeline/gate.h"
#include "pipeline/given_arrays.h"
#include "pipeline/source.h"
#include "quantize/plan.h"
#include "recover/recover.h"
#include "runtime/litert_library.h"
#include "verify/verify_model.h"

namespace calib8 {
namespace {

/// The model that is written, beside the float one.
struct SmallModel {
  TfliteGraph calibrated;  ///< The float graph that was calibrated; the same TensorIds.
  TfliteGraph graph;
  Data file;
  std::vector<std::vector<float>>
      float_outputs;  ///< For the samples to verify on, where calibration ran them.
};

/// True for what is calibrated.
bool is_integer(QuantizeTo quantize) {
  return quantize == QuantizeTo::int8 || quantize == QuantizeTo::int16x8;
}

DType activation_type(const ExportOptions& options) {
  return options.quantize == QuantizeTo::int16x8 ? DType::int16 : DType::int8;
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

/// The float model in operators that the target runs in integers; nothing where a pass of --stop-after was
/// reached.
std::optional<TfliteGraph> prepared(ExportRun& run, const LoweredModel& model, const TargetTraits& target) {
  TfliteGraph graph = model.graph;
  if (!prepare_for_integers(graph, target, {pass_options(run.options)}).stopped) {
    if (run.options.stop_after) run.refuse_stop();
    return graph;
  }
  run.dump("tflite graph for integers", to_text(graph));
  return std::nullopt;
}

void warn_of(const ExportRun& run, const TfliteGraph& graph, const UnequalJoin& join) {
  if (!run.options.note) return;
  run.options.note(fmt::format(
      "warning: '{}', on the way to an output, joins values that span {:.3g} and {:.3g}: one {} scale "
      "leaves the smaller few levels or none; --io float32 gives each part its own",
      graph[graph[join.id].outputs[0]].name, join.widest, join.narrowest,
      name_of(activation_type(run.options))));
}

SmallModel quantize_to_integers(ExportRun& run, const LoweredModel& model, TfliteGraph calibrated,
                                const TargetTraits& target, const RepresentativeData& data,
                                const std::shared_ptr<const LiteRt>& litert) {
  CalibrationOptions calibration;
  calibration.method = run.options.calibration;
  calibration.activations = activation_type(run.options);
  calibration.threads = run.threads;
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

SmallModel store_float16(const LoweredModel& model) {
  TfliteGraph graph = model.graph;
  store_weights_as_float16(graph);
  require_valid(graph);
  Data file = serialize_tflite(graph);
  return {model.graph, std::move(graph), std::move(file), {}};
}

void write_tflite(ExportRun& run, const Data& file, std::size_t float_bytes) {
  run.report.outputs.tflite = run.outputs.write_tflite(file.bytes(), stored_type(run.options.quantize));
  run.report.outputs.tflite->float_bytes = float_bytes;
}

/// Samples to verify on, at most: as many as decide most gates, and whose outputs fit into memory.
std::size_t most_to_verify(const TfliteGraph& graph) {
  constexpr std::int64_t most_samples = 200, most_values = 1 << 26;
  std::int64_t values = 1;
  for (const TensorId output : graph.outputs()) values += element_count(graph[output].shape).value();
  return static_cast<std::size_t>(
      std::clamp(most_values / values, static_cast<std::int64_t>(kFirstLook), most_samples));
}

RepresentativeData open_data(ExportRun& run, const LoweredModel& model) {
  const ExportOptions& options = run.options;
  SampleRequest request;
  request.verification = options.verify_samples.value_or(kFirstLook);
  if (!options.verify_samples) request.more_verification = most_to_verify(model.graph) - kFirstLook;
  if (is_integer(options.quantize)) request.selection = selection_samples(options.effort);
  if (options.next_sample) return open_given_arrays(model.graph, options, request);
  for (std::size_t i = 0; i < model.graph.inputs().size(); ++i)
    request.inputs.push_back({model.graph.input_names[i], model.graph[model.graph.inputs()[i]].shape});
  request.config = model.config;
  request.class_names = run.report.model.class_names;
  if (run.report.model.kind == "onnx") request.config_from = "the file's metadata";
  request.file_has_channels_last = run.report.model.kind == "tflite";
  request.check_preprocessing = options.check_preprocessing;
  request.threads = run.threads;
  return open_representative_data(
      dataset_folder(options, " (or write a model without calibration: --quantize float16)"), options,
      request);
}

RepresentativeData take_data(ExportRun& run, const LoweredModel& model) {
  RepresentativeData data = open_data(run, model);
  run.outputs.keep_apart_from(data);
  run.report.dataset = describe_dataset(data);
  run.report.preprocessing = describe_preprocessing(data);
  run.end_stage("samples");
  return data;
}

/// The images' own, where they are of one, and the usual ones.
std::vector<std::pair<int, int>> sizes_to_try(const RepresentativeData& data) {
  const Preprocessing& steps = data.preprocessing->steps;
  const auto& quality = data.findings.quality;
  const int picture = quality ? std::min(quality->height.median, quality->width.median) : 0;
  std::vector<std::pair<int, int>> sizes = usual_sizes(steps.height, steps.width, picture);
  if (!quality || quality->images == 0) return sizes;
  const std::pair<int, int> own(quality->height.median, quality->width.median);
  constexpr int largest = 512;
  const bool alike =
      quality->height.least == quality->height.most && quality->width.least == quality->width.most;
  const bool is_new =
      own != std::pair(steps.height, steps.width) && std::ranges::find(sizes, own) == sizes.end();
  if (alike && is_new && std::max(own.first, own.second) <= largest) sizes.push_back(own);
  return sizes;
}

void check_preprocessing_of(ExportRun& run, const LoweredModel& model, const RepresentativeData& data,
                            const std::shared_ptr<const LiteRt>& litert) {
  if (!run.options.check_preprocessing) return;
  if (!data.preprocessing)
    throw Error(ErrorCode::usage, "arrays come preprocessed: there is nothing to check",
                "--check-preprocessing");
  const Preprocessing& steps = data.preprocessing->steps;
  OtherSizes other;
  if (run.report.model.rebuilt) other.sizes = sizes_to_try(data);
  other.model_at = [&run](int height, int width) { return float_model_at(run.options, {height, width}); };
  const PreprocessingCheck check =
      check_preprocessing(model.view(), steps, data.to_check, data.classes(), other, litert, run.threads,
                          run.progress("checking the preprocessing"));
  if (run.options.note && check.better) run.options.note("warning: " + check.verdict);
  run.report.measured.preprocessing_check = check;
}

void warn(ExportRun& run, const std::string& warning) {
  if (run.options.note) run.options.note("warning: " + one_line(warning));
  run.report.warnings.push_back(warning);
}

/// A size that nobody named, and that is no image's, is seldom what training had.
void check_default_size(ExportRun& run, const RepresentativeData& data) {
  const auto& rebuilt = run.report.model.rebuilt;
  const auto& quality = data.findings.quality;
  if (!rebuilt || !quality || quality->images < 2 || rebuilt->input_size_from != "the default") return;
  const Spread &width = quality->width, &height = quality->height;
  const bool all_alike = width.least == width.most && height.least == height.most;
  if (!all_alike || rebuilt->input_size == std::pair<std::int64_t, std::int64_t>(height.least, width.least))
    return;
  const std::string size = height.least == width.least
                               ? std::to_string(width.least)
                               : std::to_string(height.least) + "x" + std::to_string(width.least);
  warn(run, fmt::format(
                "the input size is {}x{} by default, and all images are {}x{}: if training saw them so, add "
                "--input-size {}",
                rebuilt->input_size.first, rebuilt->input_size.second, height.least, width.least, size));
}

/// What is wrong before anything is quantized.
void check_float_model(ExportRun& run, const LoweredModel& model, const RepresentativeData& data,
                       const std::shared_ptr<const LiteRt>& litert) {
  check_default_size(run, data);
  if (data.classes() < 2) return;
  const std::vector<std::string>& classes = data.folder->listing.class_names;
  const std::size_t outputs = classifier_outputs(model.graph);
  if (outputs != classes.size() && run.options.note) {
    run.options.note(fmt::format("the model has {} and the data {} classes, so accuracy isn't measured",
                                 outputs == 0 ? "no output of classes" : std::to_string(outputs) + " outputs",
                                 classes.size()));
  }
  const LabelledAnswers answers =
      ask_float_model(model.view(), *data.samples.calibration, classes, litert, run.threads);
  for (const std::string& warning : judge_answers(answers)) warn(run, warning);
  run.end_stage("look at the float model");
}

GateLimits gate_limits(const ExportOptions& options, const RepresentativeData& data) {
  const bool found_all =
      data.samples.overlap.samples == 0 && data.samples.verification->size() == options.verify_samples;
  std::optional<double> min_sqnr = options.min_sqnr;
  if (!min_sqnr && options.min_agreement > 0) min_sqnr = GateLimits{}.min_sqnr;
  return {options.min_agreement, min_sqnr, found_all};
}

void verify_on_litert(ExportRun& run, const LoweredModel& model, const SmallModel& quantized,
                      const RepresentativeData& data, const std::shared_ptr<const LiteRt>& litert) {
  const GateLimits limits = gate_limits(run.options, data);
  VerifyOptions options;
  options.threads = run.threads;
  options.classes = data.classes();
  options.float_outputs = quantized.float_outputs;
  options.progress = run.progress("verifying");
  if (!run.options.verify_samples) {
    const bool nothing_asked = limits.min_agreement <= 0 && !limits.min_sqnr;
    options.is_enough = [&limits, nothing_asked](const Verification& verification) {
      return nothing_asked || decide_gate(verification, limits).verdict != Verdict::unproven;
    };
  }
  Measured& measured = run.report.measured;
  measured.verification = verify_model(model.view(), {quantized.graph, share(quantized.file.bytes())},
                                       quantized.calibrated, *data.samples.verification, litert, options);
  measured.gate = decide_gate(*measured.verification, limits);
  if (run.options.verify_onnx && run.report.outputs.onnx) {
    measured.onnx_comparison = compare_with_onnx(run.outputs.uncommitted_onnx(), model.view(),
                                                 *data.samples.verification, litert, run.options.python);
  }
  run.end_stage("verify");
}

ExportResult run_stages(ExportRun& run) {
  const ExportOptions& options = run.options;
  const std::optional<LoweredModel> model = make_float_model(run);
  if (!model) return run.finish();
  if (options.quantize == QuantizeTo::none) {
    const Data file = serialize_tflite(model->graph);
    write_tflite(run, file, file.size());
    return run.finish();
  }

  require_runnable(model->graph);
  const TargetTraits& target = litert_cpu();
  std::optional<TfliteGraph> integer_model;
  if (is_integer(options.quantize)) {
    require_runtime(target);
    integer_model = prepared(run, *model, target);
    if (!integer_model) return run.finish();
  }
  const bool has_data =
      integer_model || options.dataset_dir || options.next_sample || options.check_preprocessing;
  RepresentativeData data;
  std::shared_ptr<const LiteRt> litert;
  if (has_data) {
    litert = open_litert(options.model.string());
    data = take_data(run, *model);
    check_float_model(run, *model, data, litert);
    check_preprocessing_of(run, *model, data, litert);
  }
  const SmallModel quantized =
      integer_model ? quantize_to_integers(run, *model, std::move(*integer_model), target, data, litert)
                    : store_float16(*model);
  write_tflite(run, quantized.file, model->constants.file_size());
  run.end_stage("quantize");
  if (has_data) verify_on_litert(run, *model, quantized, data, litert);
  return run.finish(data);
}

}  // namespace

ExportResult export_model(const ExportOptions& options) {
  check_options(options);
  ExportRun run(options);
  try {
    return run_stages(run);
  } catch (const Error&) {
    run.require_unchanged_files();  // what went wrong may come of a file that was cut off under our hands
    throw;
  }
}

}  // namespace calib8
