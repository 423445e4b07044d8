#include "recover/accuracy_goal.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "verify/fidelity.h"
#include "verify/verify_model.h"

namespace calib8 {
namespace {

/// Below, an answer is mostly error: of classifiers, and of the parts of an output.
constexpr double least_decibels = 10;
constexpr double most_reserve_decibels = 3;
/// What a classifier is to gain where too few classes agree: how many decibels that takes, nobody knows.
constexpr double step_decibels = 6;

double share_of_power(double decibels) {
  return std::pow(10.0, -decibels / 10);
}

double noise_of(const Fidelity& fidelity) {
  const double noise = share_of_power(fidelity.sqnr.decibels);
  return std::isnan(noise) ? std::numeric_limits<double>::infinity() : noise;
}

/// By how much other samples of the kind may show less: half of the 95 % interval's lower side.
double reserve_decibels(const DecibelsEstimate& sqnr) {
  const double side = sqnr.decibels - sqnr.low;
  return std::isfinite(side) ? std::clamp(side / 2, 0.0, most_reserve_decibels) : 0;
}

bool is_met(const Need& need) {
  return need.noise <= need.allowed;
}

bool agrees(double min_agreement, std::span<const std::vector<float>> of_float,
            std::span<const std::vector<float>> of_quantized) {
  std::int64_t agreeing = 0;
  for (std::size_t i = 0; i < of_float.size(); ++i)
    agreeing += argmax(of_float[i]) == argmax(of_quantized[i]) ? 1 : 0;
  return clopper_pearson(agreeing, static_cast<std::int64_t>(of_float.size())).high >= min_agreement;
}

}  // namespace

double to_decibels(double noise) {
  return -10 * std::log10(noise);
}

Standing compare_with_goal(const AccuracyGoal& goal, const TfliteGraph& graph,
                           std::span<const std::vector<float>> of_float,
                           std::span<const std::vector<float>> of_quantized) {
  Standing standing;
  const std::vector<OutputFidelity> outputs = measure_fidelity(graph, of_float, of_quantized);
  const bool classifies = goal.classifies && classifier_outputs(graph) >= 2 && !outputs.front().cosine;
  const std::optional<double>& asked = classifies ? goal.min_agreement : goal.min_sqnr;
  if (!asked) return standing;
  const auto add = [&](const Fidelity& fidelity, double decibels) {
    const double most_noise = share_of_power(decibels + reserve_decibels(fidelity.sqnr));
    standing.needs.push_back({noise_of(fidelity), most_noise});
  };
  for (const OutputFidelity& output : outputs) {
    add(output.fidelity, classifies ? least_decibels : *goal.min_sqnr);
    for (const PartFidelity& part : output.parts) add(part.fidelity, least_decibels);
  }
  standing.reached = std::ranges::all_of(standing.needs, is_met);
  if (goal.keeps_answers && goal.keeps_answers(of_float, of_quantized)) standing.reached = true;
  if (classifies && !agrees(*asked, of_float, of_quantized)) {
    standing.reached = false;
    Need& need = standing.needs.front();
    need.allowed = std::min(need.allowed, need.noise * share_of_power(step_decibels));
  }
  return standing;
}

}  // namespace calib8
