#include "pipeline/prove.h"

#include <algorithm>

#include "pipeline/compare_onnx.h"
#include "pipeline/gate.h"
#include "verify/verify_model.h"

namespace calib8 {

/// What would let layers stay in float, where this export wasn't allowed to.
std::string mixed_precision_remedy(const ExportOptions& options) {
  if (options.quantize != QuantizeTo::int8) return "";
  if (options.integer_only) return "let the layers that harm most compute in float (without --integer-only)";
  if (options.effort == Effort::fast)
    return "let the layers that harm most be found and kept in float (--effort balanced)";
  return "";
}

GateLimits gate_limits(const ExportOptions& options, const RepresentativeData& data) {
  const bool found_all =
      data.samples.overlap.samples == 0 && data.samples.verification->size() == options.verify_samples;
  return {options.min_agreement, asked_decibels(options), found_all, mixed_precision_remedy(options)};
}

std::size_t most_to_verify(const TfliteGraph& graph) {
  constexpr std::int64_t most_samples = 200, most_values = 1 << 26;
  return static_cast<std::size_t>(std::clamp(most_values / (output_elements(graph) + 1),
                                             static_cast<std::int64_t>(kFirstLook), most_samples));
}

void prove(ExportRun& run, const LoweredModel& model, const SmallModel& written,
           const RepresentativeData& data, const std::shared_ptr<const LiteRt>& litert) {
  const GateLimits limits = gate_limits(run.options, data);
  VerifyOptions options;
  options.threads = run.threads;
  options.classes = data.classes();
  options.float_outputs = written.float_outputs;
  options.progress = run.progress("verifying");
  if (!run.options.verify_samples) {
    const bool nothing_asked = limits.min_agreement <= 0 && !limits.min_sqnr;
    options.is_enough = [&limits, nothing_asked](const Verification& verification) {
      return nothing_asked || decide_gate(verification, limits).verdict != Verdict::unproven;
    };
  }
  Measured& measured = run.report.measured;
  measured.verification = verify_model(model.view(), {written.graph, share(written.file.bytes())},
                                       written.calibrated, *data.samples.verification, litert, options);
  measured.gate = decide_gate(*measured.verification, limits);
  if (run.options.verify_onnx && run.report.outputs.onnx) {
    measured.onnx_comparison = compare_with_onnx(run.outputs.uncommitted_onnx(), model.view(),
                                                 *data.samples.verification, litert, run.options.python);
  }
  run.end_stage("verify");
}

}  // namespace calib8
