#include <chrono>
#include <future>
#include <nlohmann/json.hpp>

#include "base/parallel.h"
#include "calib8/export.h"
#include "calib8/version.h"
#include "calibrate/calibrate.h"
#include "lower/lower.h"
#include "ops/verify.h"
#include "optimize/optimize.h"
#include "optimize/validate.h"
#include "pipeline/check_options.h"
#include "pipeline/check_preprocessing.h"
#include "pipeline/compare_onnx.h"
#include "pipeline/gate.h"
#include "pipeline/given_arrays.h"
#include "pipeline/output_files.h"
#include "pipeline/report_text.h"
#include "pipeline/representative_data.h"
#include "pipeline/source.h"
#include "quantize/apply.h"
#include "quantize/plan.h"
#include "report/summary.h"
#include "runtime/litert_library.h"
#include "simplify/simplify.h"
#include "simplify/spelling.h"
#include "verify/verification_json.h"
#include "verify/verify_model.h"
#include "write/constant_block.h"

namespace calib8 {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

/// Version of the metadata's layout: raised when a member changes its meaning or goes.
constexpr int schema_version = 1;

/// One export on its way: what the stages share.
struct Export {
  const ExportOptions& options;
  OutputPaths paths;
  int threads;
  json report;
  ExportResult result;
  Clock::time_point start = Clock::now();
  Clock::time_point stage_start = start;

  /// Notes how long the stage took that ends here.
  void end_stage(const char* stage) {
    const Clock::time_point now = Clock::now();
    report["measured"]["seconds_by_stage"][stage] = std::chrono::duration<double>(now - stage_start).count();
    stage_start = now;
  }
  void dump(std::string_view stage, const std::string& text) const {
    if (options.dump) options.dump("--- " + std::string(stage) + "\n" + text);
  }
  auto progress(std::string_view stage) const {
    return [this, stage](std::size_t done, std::size_t total) {
      if (options.progress) options.progress({stage, done, total});
    };
  }
};

/// A float model ready for LiteRT.
struct LoweredModel {
  TfliteGraph graph;
  ConstantBlock constants;

  FloatModel view() const { return {graph, constants}; }
};

/// How the file's numbers are stored, as the metadata has it.
std::string_view stored_type(QuantizeTo quantize) {
  switch (quantize) {
    case QuantizeTo::none:
      return "float32";
    case QuantizeTo::float16:
      return "float16 weights";
    case QuantizeTo::int8:
      return "int8";
  }
  throw Error(ErrorCode::internal, "not a QuantizeTo");
}

/// Reads the model, writes model.onnx, and lowers it; nothing where that was all that was asked for. The
/// checkpoint is unmapped and the ONNX graph gone when this returns: calibration needs the memory.
std::optional<TfliteGraph> read_and_lower(Export& state) {
  Source source = read_source(state.options);
  state.report["model"] = source.description;
  if (source.tflite) {
    if (state.options.format != OutputFormat::onnx) return std::move(*source.tflite);
    throw Error(ErrorCode::usage, "a .tflite file can't become ONNX", state.options.model.string());
  }
  state.dump("onnx graph", to_text(*source.onnx));
  if (source.stopped) return std::nullopt;
  // Hashing and writing take as long as lowering, and share nothing with it but constants.
  std::future<json> written =
      std::async(std::launch::async | std::launch::deferred, [&paths = state.paths, graph = *source.onnx]() mutable {
        spell_for_onnx_runtime(graph);
        return write_onnx_file(paths.onnx, graph);
      });
  std::optional<TfliteGraph> lowered;
  if (state.options.format != OutputFormat::onnx)
    lowered = lower(with_single_batch(std::move(*source.onnx), state.options));
  state.report["outputs"]["onnx"] = written.get();
  state.result.onnx = state.paths.onnx;
  return lowered;
}

/// Nothing where a pass of --stop-after was reached.
std::optional<LoweredModel> make_float_model(Export& state, TfliteGraph graph) {
  const PassReport passes = optimize(graph, {pass_options(state.options)});
  state.dump("tflite graph", to_text(graph));
  if (passes.stopped) return std::nullopt;
  require_valid(graph);
  ConstantBlock constants(graph);
  return LoweredModel{std::move(graph), std::move(constants)};
}

/// What quantization makes of the float model.
struct QuantizedModel {
  TfliteGraph calibrated;  ///< The float graph that was calibrated; the same TensorIds.
  TfliteGraph graph;
  Data file;
  std::vector<std::vector<float>>
      float_outputs;  ///< For the samples to verify on, where calibration ran them.
};

QuantizedModel quantize_int8(Export& state, const LoweredModel& model, const RepresentativeData& data,
                             const std::shared_ptr<const LiteRt>& litert) {
  TfliteGraph calibrated = model.graph;
  prepare_for_int8(calibrated, Target::litert_cpu, {pass_options(state.options)});
  CalibrationOptions calibration;
  calibration.method = state.options.calibration;
  calibration.threads = state.threads;
  calibration.progress = state.progress("calibrating");
  if (data.samples.overlap.is_beginning) calibration.keep_outputs = data.samples.verification->size();
  Calibration found = calibrate({calibrated, model.constants}, tensors_to_observe(calibrated),
                                *data.samples.calibration, litert, calibration);
  const Ranges ranges = std::move(found.ranges);
  state.end_stage("calibrate");

  const Plan plan = make_plan(calibrated, ranges);
  state.report["quantization"] = to_json(plan, calibrated, ranges);
  if (state.options.plan_out) {
    const std::string text = state.report["quantization"].dump(1) + "\n";
    write_file(*state.options.plan_out, std::as_bytes(std::span(text)), "plan");
  }
  TfliteGraph quantized = calibrated;
  apply_plan(quantized, plan, state.options.io, state.threads);
  verify(quantized, "quantization");
  require_valid(quantized);
  state.dump("int8 graph", to_text(quantized));
  Data file = serialize_tflite(quantized);
  return {std::move(calibrated), std::move(quantized), std::move(file), std::move(found.outputs)};
}

QuantizedModel store_float16(const LoweredModel& model) {
  TfliteGraph graph = model.graph;
  store_weights_as_float16(graph);
  require_valid(graph);
  Data file = serialize_tflite(graph);
  return {model.graph, std::move(graph), std::move(file), {}};
}

void write_tflite_file(Export& state, const Data& file, std::size_t float_bytes) {
  json entry = write_file(state.paths.tflite, file.bytes(), std::string(stored_type(state.options.quantize)));
  entry["float_bytes"] = float_bytes;
  state.report["outputs"]["tflite"] = std::move(entry);
  state.result.tflite = state.paths.tflite;
}

void verify_on_litert(Export& state, const LoweredModel& model, const QuantizedModel& quantized,
                      const RepresentativeData& data, const std::shared_ptr<const LiteRt>& litert) {
  VerifyOptions options;
  options.threads = state.threads;
  options.classes = data.classes();
  options.float_outputs = quantized.float_outputs;
  options.progress = state.progress("verifying");
  const Verification verification =
      verify_model(model.view(), {quantized.graph, share(quantized.file.bytes())}, quantized.calibrated,
                   *data.samples.verification, litert, options);
  const GateDecision decision = decide_gate(verification, state.options.min_agreement);
  state.report["measured"]["verification"] = to_json(verification);
  state.report["measured"]["verdict"] = decision.verdict;
  state.report["measured"]["gate_passed"] = decision.passed;
  if (!decision.next_step.empty()) state.report["measured"]["next_step"] = decision.next_step;
  state.result.gate_passed = decision.passed;
  state.result.verdict = decision.verdict;
}

void verify_onnx(Export& state, const LoweredModel& model, const RepresentativeData& data,
                 const std::shared_ptr<const LiteRt>& litert) {
  if (!state.options.verify_onnx || !state.result.onnx) return;
  state.report["measured"]["onnx_comparison"] = compare_with_onnx(
      *state.result.onnx, model.view(), *data.samples.verification, litert, state.options.python);
}

RepresentativeData open_data(Export& state, const TfliteGraph& graph) {
  const ExportOptions& options = state.options;
  if (options.next_sample) return open_given_arrays(graph, options);
  SampleRequest request;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i)
    request.inputs.push_back({graph.input_names[i], graph[graph.inputs()[i]].shape});
  request.config = state.report["model"].value("config", json::object());
  request.verification = options.verify_samples;
  request.check_preprocessing = options.check_preprocessing;
  request.threads = state.threads;
  return open_representative_data(
      dataset_folder(options, " (or write a model without calibration: --quantize float16)"), options,
      request);
}

void describe_data(Export& state, const RepresentativeData& data) {
  state.report["dataset"] = dataset_json(data);
  state.report["preprocessing"] = preprocessing_json(data);
}

void check_preprocessing_of(Export& state, const LoweredModel& model, const RepresentativeData& data,
                            const std::shared_ptr<const LiteRt>& litert) {
  if (!state.options.check_preprocessing) return;
  if (!data.preprocessing)
    throw Error(ErrorCode::usage, "arrays come preprocessed: there is nothing to check",
                "--check-preprocessing");
  const PreprocessingCheck check =
      check_preprocessing(model.view(), data.preprocessing->steps, data.to_check, data.classes(), litert,
                          state.threads, state.progress("checking the preprocessing"));
  state.report["measured"]["preprocessing_check"] = to_json(check);
  if (state.options.note && check.better) state.options.note("warning: " + check.verdict);
}

/// The last step: the metadata is written after all files whose hashes it holds.
ExportResult finish(Export& state, const RepresentativeData& data = {}) {
  json& measured = state.report["measured"];
  measured["seconds"] = std::chrono::duration<double>(Clock::now() - state.start).count();
  if (state.result.tflite) {
    state.report["outputs"]["metadata"] = {{"path", state.paths.metadata.string()}};
    state.result.metadata = state.paths.metadata;
  }
  state.result.summary = summarize(state.report);
  state.result.report = make_report(std::move(state.report), data);
  if (state.result.metadata) write_report(*state.result.metadata, state.result.report);
  return std::move(state.result);
}

json describe_options(const ExportOptions& options) {
  return {{"quantize", stored_type(options.quantize)},
          {"calibration", word_of(options.calibration)},
          {"io", word_of(options.io)},
          {"num_calib_samples", options.num_samples},
          {"verify_samples", options.verify_samples},
          {"min_agreement", options.min_agreement},
          {"seed", options.seed}};
}

}  // namespace

ExportResult export_model(const ExportOptions& options) {
  check_options(options);
  Export state{options, output_paths(options), options.threads > 0 ? options.threads : usable_cores()};
  state.report = {{"schema_version", schema_version},
                  {"calib8_version", version},
                  {"options", describe_options(options)},
                  {"outputs", json::object()},
                  {"measured", json::object()}};

  std::optional<TfliteGraph> lowered = read_and_lower(state);
  state.end_stage("read");
  if (!lowered) return finish(state);
  const std::optional<LoweredModel> model = make_float_model(state, std::move(*lowered));
  if (!model) return finish(state);
  state.end_stage("optimize");
  if (options.quantize == QuantizeTo::none) {
    const Data file = serialize_tflite(model->graph);
    write_tflite_file(state, file, file.size());
    return finish(state);
  }

  const bool has_data = options.quantize == QuantizeTo::int8 || options.dataset_dir || options.next_sample ||
                        options.check_preprocessing;
  RepresentativeData data;
  std::shared_ptr<const LiteRt> litert;
  if (has_data) {
    litert = open_litert(options.model.string());
    data = open_data(state, model->graph);
    describe_data(state, data);
    state.end_stage("samples");
    check_preprocessing_of(state, *model, data, litert);
  }
  const QuantizedModel quantized = options.quantize == QuantizeTo::int8
                                       ? quantize_int8(state, *model, data, litert)
                                       : store_float16(*model);
  write_tflite_file(state, quantized.file, model->constants.file_size());
  state.end_stage("quantize");
  if (has_data) {
    verify_on_litert(state, *model, quantized, data, litert);
    verify_onnx(state, *model, data, litert);
    state.end_stage("verify");
  }
  return finish(state, data);
}

}  // namespace calib8
