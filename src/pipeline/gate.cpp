#include "pipeline/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace calib8 {
namespace {

/// Of a part of an output: most of it is error, or it is the same for all samples.
constexpr double lost_decibels = 3;
/// Fewer samples than this prove no ratio: their interval is a guess itself.
constexpr int fewest_samples = 5;
/// The bootstrap of fewer pictures knows too little of other ones.
constexpr std::size_t fewest_pictures = 20;

constexpr const char* recover =
    "calibrate on more images of the real input domain (--num-calib-samples 300), check the preprocessing "
    "(--check-preprocessing), or ship --quantize dynamic (int8 weights, float activations; the right choice "
    "for "
    "transformers) or float16";

GateDecision failed(std::string sentence, std::string next_step = recover) {
  return {Verdict::failed, "failed: " + std::move(sentence), std::move(next_step)};
}

std::string percent(double share) {
  return fmt::format("{:.4g} %", 100 * share);
}

std::string decibels(double value) {
  return std::isinf(value) ? value > 0 ? "without error" : "no signal" : fmt::format("{:.1f} dB", value);
}

/// "output 'boxes'", or "the output" where there is one.
std::string name_of(const Verification& verification, const OutputFidelity& output) {
  return verification.outputs.size() == 1 ? "the output" : fmt::format("output '{}'", output.name);
}

bool is_lost(const PartFidelity& part) {
  return part.fidelity.dead || part.fidelity.sqnr.decibels < lost_decibels;
}

std::optional<GateDecision> refuse_lost_part(const Verification& verification, const OutputFidelity& output) {
  const auto lost = std::ranges::find_if(output.parts, is_lost);
  if (lost == output.parts.end()) return std::nullopt;
  const auto best = std::ranges::max_element(
      output.parts, {}, [](const PartFidelity& part) { return part.fidelity.sqnr.decibels; });
  return failed(
      fmt::format(
          "{} is joined from parts of different size, and '{}' ({}) is lost in it: {} above its error, "
          "where '{}' has {}",
          name_of(verification, output), lost->tensor, lost->op,
          lost->fidelity.dead ? "one value for all samples, nothing" : decibels(lost->fidelity.sqnr.decibels),
          best->tensor, decibels(best->fidelity.sqnr.decibels)),
      "give the output floats (--io float32), export the parts as outputs of their own, or ship --quantize "
      "float16");
}

/// What no measure of the task has to be asked for; nothing where the outputs are alive.
std::optional<GateDecision> refuse_broken_outputs(const Verification& verification, double least_decibels) {
  if (std::isnan(verification.sqnr_decibels)) {
    return failed(
        fmt::format("on some of {} samples the outputs are no numbers (NaN or infinity)",
                    verification.samples),
        "run the float model on the same samples: where it gives NaN too, it overflows or divides by "
        "zero; else ship --quantize float16");
  }
  for (const OutputFidelity& output : verification.outputs) {
    if (output.fidelity.dead) {
      return failed(fmt::format("{} is the same for all of {} samples, and the float model's isn't",
                                name_of(verification, output), verification.samples),
                    "calibrate on images of the real input domain, or ship --quantize float16");
    }
    if (std::isinf(least_decibels)) continue;
    if (auto refused = refuse_lost_part(verification, output)) return refused;
    const double value = output.fidelity.sqnr.decibels;
    if (value >= least_decibels) continue;
    const std::string agreement = verification.agreement
                                      ? fmt::format(" (the class agrees on {} of {} images)",
                                                    verification.agreement->agreeing, verification.samples)
                                      : "";
    return failed(fmt::format("{} is only {} above its error{}; below {:g} dB answers can't be trusted",
                              name_of(verification, output), decibels(value), agreement, least_decibels));
  }
  return std::nullopt;
}

/// Samples on which the interval would lie above the limit if no more of them disagreed; 0 where there is no
/// such number, or none that anybody has.
std::int64_t samples_to_prove(double min_agreement, std::int64_t disagreeing) {
  const auto proves = [&](std::int64_t samples) {
    return clopper_pearson(samples - disagreeing, samples).low >= min_agreement;
  };
  std::int64_t enough = std::max<std::int64_t>(disagreeing, 1);
  constexpr std::int64_t most = 1 << 20;
  while (enough < most && !proves(enough)) enough *= 2;
  if (enough >= most) return 0;
  std::int64_t too_few = enough / 2;
  while (enough - too_few > 1) {
    const std::int64_t middle = too_few + (enough - too_few) / 2;
    (proves(middle) ? enough : too_few) = middle;
  }
  return enough;
}

std::string get_samples(const GateLimits& limits, std::int64_t needed, std::int64_t used, const char* what) {
  if (limits.more_samples) return fmt::format("--verify-samples {}", needed);
  return fmt::format("add {} {} to the data set", needed - used, what);
}

GateDecision judge_agreement(const Verification& verification, const GateLimits& limits) {
  const Agreement& agreement = *verification.agreement;
  const std::string counted =
      fmt::format("int8 agrees with float on {} of {} images", agreement.agreeing, verification.samples);
  const std::string asked = percent(limits.min_agreement);
  if (limits.min_agreement > agreement.interval.high) {
    return failed(fmt::format("{}, and even the upper end of the 95 % interval, {}, is below {}", counted,
                              percent(agreement.interval.high), asked));
  }
  if (agreement.interval.low >= limits.min_agreement) {
    return {
        Verdict::proven,
        fmt::format("proven: {}, at least {} with 95 % confidence", counted, percent(agreement.interval.low)),
        ""};
  }
  const std::int64_t needed =
      samples_to_prove(limits.min_agreement, verification.samples - agreement.agreeing);
  if (needed <= verification.samples) {
    return {Verdict::unproven, fmt::format("unproven: {}, which doesn't decide {}", counted, asked), ""};
  }
  return {Verdict::unproven,
          fmt::format("unproven: {}; to prove {} it takes {} images without a further difference, {} more",
                      counted, asked, needed, needed - verification.samples),
          fmt::format("to prove {}: {}", asked, get_samples(limits, needed, verification.samples, "images"))};
}

GateDecision judge_decibels(const Verification& verification, const GateLimits& limits) {
  const double asked = *limits.min_sqnr;
  const auto surely = [](const OutputFidelity& output) { return output.fidelity.sqnr.low; };
  const auto at_best = [](const OutputFidelity& output) { return output.fidelity.sqnr.high; };
  const auto worst = std::ranges::min_element(verification.outputs, {}, surely);
  const auto hopeless = std::ranges::min_element(verification.outputs, {}, at_best);
  const std::string each = verification.outputs.size() == 1 ? "the output is" : "each output is";
  const bool enough = verification.samples >= fewest_samples;
  if (enough && at_best(*hopeless) < asked) {
    return failed(
        fmt::format("{} is {} above its error ({} at best, with 95 % confidence), and {:g} dB are "
                    "asked for",
                    name_of(verification, *hopeless), decibels(hopeless->fidelity.sqnr.decibels),
                    decibels(at_best(*hopeless)), asked));
  }
  if (enough && surely(*worst) >= asked) {
    const bool exact = std::isinf(surely(*worst));
    return {Verdict::proven,
            exact ? fmt::format("proven: {} equal to the float model's", each)
                  : fmt::format("proven: {} at least {} above its error with 95 % confidence, {:g} dB are "
                                "asked for",
                                each, decibels(surely(*worst)), asked),
            ""};
  }
  const std::int64_t needed = std::max(20, 2 * verification.samples);
  return {Verdict::unproven,
          fmt::format("unproven: {} is {} above its error on {} samples, too few to tell on which side of "
                      "{:g} dB it is",
                      name_of(verification, *worst), decibels(worst->fidelity.sqnr.decibels),
                      verification.samples, asked),
          fmt::format("to decide: {}", get_samples(limits, needed, verification.samples, "samples"))};
}

/// "mAP50-95 is 0.712, float 0.718, against labels (100 pictures, 312 objects)"
std::string scored(const TaskScore& score) {
  const TaskMeasure& judged = score.measures.front();
  return fmt::format("{} is {:.4f}, float {:.4f}, against {} ({} pictures, {} objects)", judged.name,
                     judged.of_quantized, judged.of_float, score.against, score.pictures, score.objects);
}

GateDecision judge_task(const TaskScore& score, const GateLimits& limits) {
  const std::string lost =
      fmt::format("{}: {:.4f} lost (95 % interval {:.4f} to {:.4f}), {:g} may be", scored(score), score.loss,
                  score.bounds.low, score.bounds.high, score.most_loss);
  const bool enough = score.pictures >= fewest_pictures;
  if (enough && score.bounds.low > score.most_loss) return failed(lost);
  if (enough && score.bounds.high <= score.most_loss) return {Verdict::proven, "proven: " + lost, ""};
  const auto needed = static_cast<std::int64_t>(std::max(fewest_pictures, 2 * score.pictures));
  return {Verdict::unproven, "unproven: " + lost,
          fmt::format("to decide: {}",
                      get_samples(limits, needed, static_cast<std::int64_t>(score.pictures), "images"))};
}

bool is_decided_by_task(const Verification& verification, const GateLimits& limits) {
  return verification.task && verification.task->undecided.empty() && limits.judges_task;
}

bool asks_for_anything(const Verification& verification, const GateLimits& limits) {
  return verification.agreement ? limits.min_agreement > 0 : limits.min_sqnr.has_value();
}

GateDecision decide(const Verification& verification, const GateLimits& limits) {
  if (is_decided_by_task(verification, limits)) {
    if (auto refused = refuse_broken_outputs(verification, -INFINITY)) return *std::move(refused);
    return judge_task(*verification.task, limits);
  }
  const double least_decibels = std::min(kLeastDecibels, limits.min_sqnr.value_or(-INFINITY));
  if (auto refused = refuse_broken_outputs(verification, least_decibels)) return *std::move(refused);
  if (!asks_for_anything(verification, limits))
    return {Verdict::unproven, "unproven: nothing was asked for (--min-agreement 0)", ""};
  return verification.agreement ? judge_agreement(verification, limits)
                                : judge_decibels(verification, limits);
}

}  // namespace

std::optional<double> asked_decibels(const ExportOptions& options) {
  if (options.min_sqnr || options.min_agreement <= 0) return options.min_sqnr;
  return GateLimits{}.min_sqnr;
}

std::optional<double> asked_map_loss(const ExportOptions& options) {
  constexpr double usual = 0.01;
  if (options.max_map_loss || options.min_agreement <= 0) return options.max_map_loss;
  return usual;
}

GateDecision decide_gate(const Verification& verification, const GateLimits& limits) {
  GateDecision decision = decide(verification, limits);
  if (decision.verdict == Verdict::failed && !limits.first_remedy.empty())
    decision.next_step = limits.first_remedy + "; or " + decision.next_step;
  return decision;
}

}  // namespace calib8
