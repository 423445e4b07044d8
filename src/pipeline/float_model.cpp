#include "pipeline/float_model.h"

#include <future>

#include "lower/lower.h"
#include "optimize/optimize.h"
#include "optimize/validate.h"
#include "pipeline/source.h"
#include "simplify/spelling.h"

namespace calib8 {
namespace {

/// Lowers one image's model, and notes which outputs have other axes afterwards.
TfliteGraph lower_and_tell(ExportRun& run, OnnxGraph graph) {
  const OnnxGraph single = with_single_batch(std::move(graph), run.options);
  TfliteGraph lowered = lower(single, run.options.keep_output_axes);
  constexpr std::size_t image_rank = 4;
  for (std::size_t i = 0; i < lowered.outputs().size(); ++i) {
    const Shape onnx = single[single.outputs()[i]].type->static_shape();
    const TfliteTensor& output = lowered[lowered.outputs()[i]];
    if (!run.options.keep_output_axes && onnx.size() == image_rank && output.dtype == DType::float32)
      run.report.moved_outputs.push_back({lowered.output_names[i], onnx, output.shape});
  }
  return lowered;
}

/// Writes model.onnx beside lowering: hashing and writing take as long, and share nothing with it but
/// constants.
std::optional<TfliteGraph> write_and_lower(ExportRun& run, OnnxGraph graph) {
  std::future<WrittenFile> written =
      std::async(std::launch::async | std::launch::deferred, [&run, graph]() mutable {
        spell_for_onnx_runtime(graph);
        return run.outputs.write_onnx(graph);
      });
  std::optional<TfliteGraph> lowered;
  if (run.options.format != OutputFormat::onnx) lowered = lower_and_tell(run, std::move(graph));
  run.report.outputs.onnx = written.get();
  return lowered;
}

/// The graph that lowering or a .tflite file gives.
std::optional<TfliteGraph> to_tflite(ExportRun& run, Source source, bool writes_onnx) {
  if (auto* tflite = std::get_if<TfliteGraph>(&source.graph)) {
    if (run.options.format != OutputFormat::onnx) return std::move(*tflite);
    throw Error(ErrorCode::usage, "a .tflite file can't become ONNX", run.options.model.string());
  }
  if (const auto* stopped = std::get_if<Stopped>(&source.graph)) {
    run.dump("onnx graph", to_text(stopped->graph));
    return std::nullopt;
  }
  OnnxGraph& onnx = std::get<OnnxGraph>(source.graph);
  run.dump("onnx graph", to_text(onnx));
  if (!run.options.stop_after && writes_onnx) return write_and_lower(run, std::move(onnx));
  if (run.options.format == OutputFormat::onnx) run.refuse_stop();
  return lower_and_tell(run, std::move(onnx));
}

}  // namespace

std::optional<LoweredModel> make_float_model(ExportRun& run, bool writes_onnx) {
  Source source = read_source(run.options);
  for (const std::filesystem::path& file : source.other_files)
    run.outputs.keep_apart_from(file, "a part of the model");
  nlohmann::json config = source.description.config;
  run.report.model = std::move(source.description);
  run.files = std::move(source.files);
  std::optional<TfliteGraph> graph = to_tflite(run, std::move(source), writes_onnx);
  run.end_stage("read");
  if (!graph) return std::nullopt;
  const PassReport passes = optimize(*graph, {pass_options(run.options)});
  run.dump("tflite graph", to_text(*graph));
  if (passes.stopped) return std::nullopt;
  const bool goes_on =
      run.options.quantize == QuantizeTo::int8 || run.options.quantize == QuantizeTo::int16x8;
  if (run.options.stop_after && !goes_on) run.refuse_stop();
  require_valid(*graph);
  ConstantBlock constants(*graph);
  run.require_unchanged_files();
  run.files.clear();
  run.end_stage("optimize");
  return LoweredModel{std::move(*graph), std::move(constants), std::move(config)};
}

std::optional<LoweredModel> float_model_at(const ExportOptions& options,
                                           std::pair<std::int64_t, std::int64_t> size) {
  ExportOptions other = options;
  other.input_size = size;
  other.note = {};
  other.dynamic_batch = false;
  Source source = read_source(other);
  auto* onnx = std::get_if<OnnxGraph>(&source.graph);
  if (!onnx || !source.description.rebuilt) return std::nullopt;
  TfliteGraph graph = lower(with_single_batch(std::move(*onnx), other));
  optimize(graph, {pass_options(other)});
  require_valid(graph);
  ConstantBlock constants(graph);
  return LoweredModel{std::move(graph), std::move(constants), std::move(source.description.config)};
}

}  // namespace calib8
