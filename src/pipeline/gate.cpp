#include "pipeline/gate.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

namespace calib8 {
namespace {

std::string percent(double share) {
  return fmt::format("{:.4g} %", 100 * share);
}

/// Images on which full agreement would put the lower end of the interval at the gate.
int images_to_prove(double min_agreement) {
  if (min_agreement <= 0 || min_agreement >= 1) return 0;
  return static_cast<int>(std::ceil(std::log(0.025) / std::log(min_agreement)));
}

/// What no measure of the task has to be asked for; nothing where the outputs are alive.
std::optional<GateDecision> refuse_dead_outputs(const Verification& verification) {
  if (std::isnan(verification.sqnr_decibels)) {
    return GateDecision{
        false,
        fmt::format("failed: on some of {} samples the outputs are no numbers (NaN or infinity)",
                    verification.samples),
        "run the float model on the same samples: where it gives NaN too, it overflows or divides by "
        "zero; else ship --quantize float16"};
  }
  if (verification.constant_outputs) {
    return GateDecision{
        false,
        fmt::format("failed: the outputs are the same for all of {} samples, and the float model's "
                    "are not",
                    verification.samples),
        "calibrate on images of the real input domain, or ship --quantize float16"};
  }
  return std::nullopt;
}

}  // namespace

GateDecision decide_gate(const Verification& verification, double min_agreement) {
  if (const auto refused = refuse_dead_outputs(verification)) return *refused;
  if (!verification.agreement) {
    return {true, "not judged: the model isn't a classifier, so agreement of classes can't be measured",
            "judge the signal-to-noise ratio above, or evaluate both models with the task's own metric"};
  }
  const Agreement& agreement = *verification.agreement;
  const std::string counted = fmt::format("{} of {} images", agreement.agreeing, verification.samples);
  if (min_agreement > agreement.interval.high) {
    return {false,
            fmt::format("failed: int8 agrees with float on {}, and even the upper end of the 95 % interval, "
                        "{}, is below {}",
                        counted, percent(agreement.interval.high), percent(min_agreement)),
            "calibrate on more images of the real input domain (--num-calib-samples 300), check the "
            "preprocessing, or ship "
            "--quantize float16"};
  }
  if (agreement.interval.low >= min_agreement) {
    return {true,
            fmt::format("passed: int8 agrees with float on {}, at least {} with 95 % confidence", counted,
                        percent(agreement.interval.low)),
            ""};
  }
  GateDecision decision{
      true,
      fmt::format("passed: int8 agrees with float on {}, which fits {} or more but doesn't prove it", counted,
                  percent(min_agreement)),
      ""};
  const int needed = images_to_prove(min_agreement);
  if (needed > verification.samples) {
    decision.next_step = fmt::format("to prove {}, verify on {} images or more: --verify-samples {}",
                                     percent(min_agreement), needed, needed);
  }
  return decision;
}

}  // namespace calib8
