#include "pipeline/export_run.h"

#include "base/mapped_file.h"
#include "base/parallel.h"
#include "calib8/version.h"
#include "pipeline/report_text.h"
#include "report/report_json.h"
#include "report/summary.h"

namespace calib8 {
namespace {

UsedOptions describe(const ExportOptions& options) {
  return {stored_type(options.quantize),
          std::string(word_of(options.calibration)),
          std::string(word_of(io_of(options))),
          std::string(word_of(options.model_input)),
          options.num_samples,
          options.verify_samples,
          options.min_agreement,
          options.min_sqnr,
          options.require_proof,
          options.seed,
          std::string(word_of(options.effort)),
          options.keep_float,
          options.integer_only,
          std::string(word_of(options.task)),
          options.max_map_loss};
}

}  // namespace

/// Cameras and applications don't have int16; int8 they must convert to anyway.
ModelIo io_of(const ExportOptions& options) {
  if (options.io != ModelIo::automatic) return options.io;
  return options.quantize == QuantizeTo::int16x8 ? ModelIo::float32 : ModelIo::int8;
}

std::string stored_type(QuantizeTo quantize) {
  if (quantize == QuantizeTo::none) return "float32";
  if (quantize == QuantizeTo::dynamic) return "int8 weights";
  return std::string(word_of(quantize)) + (quantize == QuantizeTo::float16 ? " weights" : "");
}

ExportRun::ExportRun(const ExportOptions& export_options)
    : options(export_options),
      threads(options.threads > 0 ? options.threads : usable_cores()),
      outputs(options) {
  report.calib8_version = version;
  report.options = describe(options);
}

void ExportRun::require_unchanged_files() const {
  for (const Data& file : files) require_unchanged(file);
}

void ExportRun::refuse_stop() const {
  throw Error(ErrorCode::usage,
              "no stage of this export runs the pass '" + *options.stop_after +
                  "': it is disabled, or belongs to another kind of model or output",
              "--stop-after");
}

void ExportRun::end_stage(const char* stage) {
  const Clock::time_point now = Clock::now();
  report.measured.seconds_by_stage[stage] = std::chrono::duration<double>(now - stage_start_).count();
  stage_start_ = now;
}

void ExportRun::dump(std::string_view stage, const std::string& text) const {
  if (options.dump) options.dump("--- " + std::string(stage) + "\n" + text);
}

ExportResult ExportRun::finish(const RepresentativeData& data) {
  report.measured.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  report.stopped_after = options.stop_after.value_or("");
  ExportResult result;
  if (report.outputs.onnx) result.onnx = outputs.paths().onnx;
  if (report.outputs.tflite) {
    result.tflite = outputs.paths().tflite;
    result.metadata = outputs.paths().metadata;
    report.outputs.metadata = outputs.paths().metadata.string();
  }
  if (const auto& gate = report.measured.gate) {
    result.gate = gate->verdict;
    result.verdict = gate->sentence;
    result.passed =
        gate->verdict == Verdict::proven || (gate->verdict == Verdict::unproven && !options.require_proof);
  }
  result.summary = summarize(report);
  result.report = make_report(to_json(report), data);
  if (result.metadata) outputs.write_metadata(result.report);
  outputs.commit();
  return result;
}

}  // namespace calib8
