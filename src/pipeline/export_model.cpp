#include "calib8/export.h"
#include "ops/verify.h"
#include "optimize/activation_memory.h"
#include "optimize/optimize.h"
#include "optimize/targets/targets.h"
#include "pipeline/check_float_model.h"
#include "pipeline/check_options.h"
#include "pipeline/export_run.h"
#include "pipeline/float_model.h"
#include "pipeline/pixel_input.h"
#include "pipeline/prove.h"
#include "pipeline/source.h"
#include "pipeline/split_outputs.h"
#include "pipeline/take_data.h"
#include "runtime/litert_library.h"

namespace calib8 {
namespace {

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

ExportResult run_stages(ExportRun& run) {
  const ExportOptions& options = run.options;
  std::optional<LoweredModel> model = make_float_model(run);
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
    if (integer_model && options.model_input == ModelInput::pixels)
      pixel_graph(options, *integer_model,
                  data);  // where that can't be had, it's said before anything is run
    check_preprocessing_of(run, *model, data, litert);
  }
  SmallModel written;
  ModelTasks tasks;
  if (integer_model) {
    Observations seen = observe_model(run, *model, *integer_model, target, data, litert);
    split_unequal_outputs(run, *model, *integer_model, target, seen);
    tasks = choose_tasks(run, *model, data, litert);
    written = quantize_to_integers(run, *model, *integer_model, target, data, tasks, seen, litert);
  } else {
    if (has_data) tasks = choose_tasks(run, *model, data, litert);
    written = store_weights(run, float_pixel_graph(run, *model).value_or(model->graph));
  }
  write_tflite(run, written.file, model->constants.file_size());
  run.end_stage("quantize");
  if (has_data) prove(run, *model, written, data, tasks, litert);
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
