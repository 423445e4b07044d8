#include "calib8/export.h"
#include "ops/verify.h"
#include "optimize/activation_memory.h"
#include "optimize/optimize.h"
#include "optimize/targets/targets.h"
#include "pipeline/check_float_model.h"
#include "pipeline/check_options.h"
#include "pipeline/export_run.h"
#include "pipeline/float_model.h"
#include "pipeline/given_arrays.h"
#include "pipeline/pixel_input.h"
#include "pipeline/prove.h"
#include "pipeline/source.h"
#include "recover/recover.h"
#include "runtime/litert_library.h"
#include "verify/verify_model.h"

namespace calib8 {
namespace {

/// True for what is calibrated.
bool is_integer(QuantizeTo quantize) {
  return quantize == QuantizeTo::int8 || quantize == QuantizeTo::int16x8;
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

void write_tflite(ExportRun& run, const Data& file, std::size_t float_bytes) {
  run.report.outputs.tflite = run.outputs.write_tflite(file.bytes(), stored_type(run.options.quantize));
  run.report.outputs.tflite->float_bytes = float_bytes;
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
      dataset_folder(options, " (or write a model without calibration: --quantize dynamic, or float16)"),
      options, request);
}

RepresentativeData take_data(ExportRun& run, const LoweredModel& model) {
  RepresentativeData data = open_data(run, model);
  run.outputs.keep_apart_from(data);
  run.report.dataset = describe_dataset(data);
  run.report.preprocessing = describe_preprocessing(data);
  run.end_stage("samples");
  return data;
}

ExportResult run_stages(ExportRun& run) {
  const ExportOptions& options = run.options;
  const std::optional<LoweredModel> model = make_float_model(run);
  if (!model) return run.finish();
  if (options.quantize == QuantizeTo::none) {
    const auto pixels = float_pixel_graph(run, *model);
    const Data file = serialize_tflite(pixels ? *pixels : model->graph);
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
  const SmallModel written =
      integer_model ? quantize_to_integers(run, *model, std::move(*integer_model), target, data, litert)
                    : store_weights(run, float_pixel_graph(run, *model).value_or(model->graph));
  write_tflite(run, written.file, model->constants.file_size());
  run.end_stage("quantize");
  if (has_data) prove(run, *model, written, data, litert);
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
