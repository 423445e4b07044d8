#include "pipeline/prove.h"

#include <fmt/format.h>

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
  return {.min_agreement = options.min_agreement,
          .min_sqnr = asked_decibels(options),
          .more_samples = found_all,
          .judges_task = asked_map_loss(options).has_value(),
          .first_remedy = mixed_precision_remedy(options)};
}

std::size_t most_to_verify(const TfliteGraph& graph) {
  constexpr std::int64_t most_samples = 200, most_values = 1 << 26;
  return static_cast<std::size_t>(std::clamp(most_values / (output_elements(graph) + 1),
                                             static_cast<std::int64_t>(kFirstLook), most_samples));
}

namespace {

/// int8 can be no better than the float model: where that finds nothing of what labels mark, they are others.
void warn_of_labels(ExportRun& run, const Verification& verification) {
  if (!verification.task || verification.task->against == "labels") return;
  for (const TaskMeasure& measure : verification.task->measures) {
    if (!measure.name.ends_with("mAP50 of labels")) continue;
    const std::string warning = fmt::format(
        "the float model's mAP50 against the labels is {:.3f}: they are another model's, number classes "
        "otherwise, "
        "or the preprocessing isn't training's; int8 is held against the float model's own boxes",
        measure.of_float);
    if (run.options.note) run.options.note("warning: " + warning);
    run.report.warnings.push_back(warning);
  }
}

}  // namespace

void prove(ExportRun& run, const LoweredModel& model, const SmallModel& written,
           const RepresentativeData& data, const ModelTasks& tasks,
           const std::shared_ptr<const LiteRt>& litert) {
  const GateLimits limits = gate_limits(run.options, data);
  VerifyOptions options;
  options.threads = run.threads;
  options.classes = data.classes();
  options.task = tasks.verification.get();
  options.classifies = run.options.task != TaskKind::tensors;
  options.float_outputs = written.float_outputs;
  options.progress = run.progress("verifying");
  if (!run.options.verify_samples) {
    const bool nothing_asked = limits.min_agreement <= 0 && !limits.min_sqnr && !limits.judges_task;
    options.is_enough = [&limits, nothing_asked](const Verification& verification) {
      // More pictures may show what too few objects didn't.
      if (verification.task && !verification.task->undecided.empty() && limits.judges_task) return false;
      return nothing_asked || decide_gate(verification, limits).verdict != Verdict::unproven;
    };
  }
  Measured& measured = run.report.measured;
  measured.verification = verify_model(model.view(), {written.graph, share(written.file.bytes())},
                                       written.calibrated, *data.samples.verification, litert, options);
  warn_of_labels(run, *measured.verification);
  measured.gate = decide_gate(*measured.verification, limits);
  if (run.options.verify_onnx && run.report.outputs.onnx) {
    measured.onnx_comparison = compare_with_onnx(run.outputs.uncommitted_onnx(), model.view(),
                                                 *data.samples.verification, litert, run.options.python);
  }
  run.end_stage("verify");
}

}  // namespace calib8
