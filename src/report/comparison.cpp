#include "report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "base/text.h"
#include "report/report_json.h"
#include "report/table.h"

namespace calib8 {
namespace {

/// Times over the float model's that was run in turn with it: what else the machine did fell on both.
double relative_time(const ComparedModel& model) {
  const Latency& latency = model.verification.latency;
  return 1 / std::sqrt(latency.least_ratio * latency.most_ratio);
}

/// NaN is worst.
double decibels_of(const ComparedModel& model) {
  const double decibels = model.verification.sqnr_decibels;
  return std::isnan(decibels) ? -std::numeric_limits<double>::infinity() : decibels;
}

std::string decibels_text(const ComparedModel& model) {
  const double decibels = model.verification.sqnr_decibels;
  if (std::isnan(decibels)) return "no number";
  if (std::isinf(decibels)) return decibels > 0 ? "no error" : "no signal";
  std::string text = fmt::format("{:.1f}", decibels);
  for (const OutputFidelity& output : model.verification.outputs) {
    const auto& [value, low, high] = output.fidelity.sqnr;
    if (value == decibels && std::isfinite(low)) return text + fmt::format(" ({:.1f} to {:.1f})", low, high);
  }
  return text;
}

std::string agreement_text(const Verification& verification) {
  const auto& agreement = verification.agreement;
  if (!agreement) return "-";
  return fmt::format("{:.1f} % ({:.1f} to {:.1f})", 100.0 * agreement->agreeing / verification.samples,
                     100 * agreement->interval.low, 100 * agreement->interval.high);
}

std::string accuracy_text(const Verification& verification) {
  const auto& accuracy = verification.accuracy;
  if (!accuracy) return "-";
  const Interval interval = clopper_pearson(accuracy->quantized_correct, accuracy->labelled);
  return fmt::format("{:.1f} % ({:.1f} to {:.1f})", 100.0 * accuracy->quantized_correct / accuracy->labelled,
                     100 * interval.low, 100 * interval.high);
}

std::vector<std::string> row_of(const ComparedModel& model, bool is_recommended) {
  const Verification& verification = model.verification;
  const Latency& latency = verification.latency;
  return {fmt::format("{} {}", is_recommended ? "*" : " ", one_line(model.name)),
          bytes_text(model.bytes),
          fmt::format("{:.2f} ms", latency.quantized_milliseconds),
          fmt::format("{:.{}f}x{}", latency.ratio(), latency.ratio() < 0.95 ? 2 : 1,
                      latency.is_reliable() ? "" : " ?"),
          agreement_text(verification),
          accuracy_text(verification),
          decibels_text(model),
          model.seconds ? fmt::format("{:.1f} s", *model.seconds) : "-",
          std::string(word_of(model.gate.verdict))};
}

/// Of the chosen ones those whose number is at most 10 % above the least.
template <class Number>
std::vector<std::size_t> least(const std::vector<ComparedModel>& models,
                               const std::vector<std::size_t>& chosen, const Number& number) {
  constexpr double about_the_same = 1.1;
  const auto number_of = [&](std::size_t i) { return number(models[i]); };
  const double most = about_the_same * number_of(*std::ranges::min_element(chosen, {}, number_of));
  std::vector<std::size_t> result;
  std::ranges::copy_if(chosen, std::back_inserter(result),
                       [&](std::size_t i) { return number_of(i) <= most; });
  return result;
}

std::size_t closest(const std::vector<ComparedModel>& models, const std::vector<std::size_t>& chosen) {
  return *std::ranges::max_element(chosen, {}, [&](std::size_t i) { return decibels_of(models[i]); });
}

}  // namespace

Recommendation recommend(const ModelComparison& comparison) {
  const auto& models = comparison.models;
  std::vector<std::size_t> good;
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (models[i].gate.verdict != Verdict::failed) good.push_back(i);
  }
  if (good.empty()) {
    for (std::size_t i = 0; i < models.size(); ++i) good.push_back(i);
    return {closest(models, good), "none passes the gate; this one is closest to the float model"};
  }
  const std::vector<std::size_t> fast = least(models, good, relative_time);
  const std::vector<std::size_t> small =
      least(models, fast, [](const ComparedModel& model) { return static_cast<double>(model.bytes); });
  std::string reason = fast.size() == 1
                           ? "it is the fastest"
                           : fmt::format("of the {} fastest, within 10 % of each other,", fast.size());
  if (fast.size() > 1)
    reason += small.size() == 1 ? " it is the smallest" : " it is closest to the float model";
  if (good.size() < models.size())
    reason += fmt::format("; {} of {} pass the gate", good.size(), models.size());
  return {closest(models, small), reason};
}

std::string summarize(const ModelComparison& comparison, const Recommendation& recommendation) {
  Table table{{{"  way", false},
               {"size", true},
               {"one run", true},
               {"speed", true},
               {"agreement (95 %)", false},
               {"accuracy (95 %)", false},
               {"dB, worst output", false},
               {"made in", true},
               {"gate", false}},
              {}};
  for (std::size_t i = 0; i < comparison.models.size(); ++i)
    table.rows.push_back(row_of(comparison.models[i], i == recommendation.model));
  const Verification& first = comparison.models.front().verification;
  return fmt::format(
      "{}\n{} samples, the same for all; {:.1f} s for what they share. Speed: the float model's time over "
      "this "
      "one's,\nin turn, one thread of this machine{}.\n\nrecommended: {}: {}\n",
      to_text(table, 0), first.samples, comparison.shared_seconds,
      std::ranges::any_of(
          comparison.models,
          [](const ComparedModel& model) { return !model.verification.latency.is_reliable(); })
          ? " (?: it was busy)"
          : "",
      one_line(comparison.models[recommendation.model].name), recommendation.reason);
}

nlohmann::json to_json(const ModelComparison& comparison, const Recommendation& recommendation) {
  using nlohmann::json;
  json object = {{"calib8_version", comparison.calib8_version},
                 {"model",
                  {{"kind", comparison.model.kind},
                   {"file", valid_utf8(comparison.model.file)},
                   {"sha256", comparison.model.sha256}}},
                 {"samples", comparison.models.front().verification.samples},
                 {"shared_seconds", comparison.shared_seconds},
                 {"recommended", valid_utf8(comparison.models[recommendation.model].name)},
                 {"reason", recommendation.reason},
                 {"models", json::array()}};
  if (comparison.dataset) object["dataset"] = to_json(*comparison.dataset);
  for (const ComparedModel& model : comparison.models) {
    json entry = {{"name", valid_utf8(model.name)},
                  {"bytes", model.bytes},
                  {"other", model.is_other},
                  {"verification", to_json(model.verification)},
                  {"gate", word_of(model.gate.verdict)},
                  {"verdict", model.gate.sentence}};
    if (model.seconds) entry["seconds"] = *model.seconds;
    if (!model.recipe.empty()) entry["recipe"] = model.recipe;
    if (model.input) entry["model_input"] = to_json(*model.input);
    if (model.file) add_path(entry, *model.file);
    object["models"].push_back(std::move(entry));
  }
  return object;
}

}  // namespace calib8
