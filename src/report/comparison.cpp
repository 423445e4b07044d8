#include "report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/report_json.h"
#include "report/table.h"

namespace calib8 {
namespace {

/// Times over the float model's that was run in turn with it: what else the machine did fell on both.
double relative_time(const ComparedModel& model) {
  return 1 / model.verification.latency.ratio();
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

}  // namespace

Recommendation recommend(const ModelComparison& comparison) {
  constexpr double about_as_fast = 1.1;
  std::vector<std::size_t> good;
  for (std::size_t i = 0; i < comparison.models.size(); ++i) {
    if (comparison.models[i].gate.verdict != Verdict::failed) good.push_back(i);
  }
  const auto model_at = [&](std::size_t i) -> const ComparedModel& { return comparison.models[i]; };
  if (good.empty()) {
    Recommendation closest{0, ""};
    for (std::size_t i = 1; i < comparison.models.size(); ++i) {
      if (decibels_of(model_at(i)) > decibels_of(model_at(closest.model))) closest.model = i;
    }
    closest.reason = "none passes the gate; this one is closest to the float model";
    return closest;
  }
  const auto fastest =
      std::ranges::min_element(good, {}, [&](std::size_t i) { return relative_time(model_at(i)); });
  const double most = about_as_fast * relative_time(model_at(*fastest));
  std::size_t best = *fastest, as_fast = 0;
  for (const std::size_t i : good) {
    if (relative_time(model_at(i)) > most) continue;
    ++as_fast;
    const auto key = [&](std::size_t of) {
      return std::pair(decibels_of(model_at(of)), -static_cast<double>(model_at(of).bytes));
    };
    if (key(i) > key(best)) best = i;
  }
  const std::size_t failed = comparison.models.size() - good.size();
  const std::string passing =
      failed == 0 ? ""
                  : fmt::format(" that the gate lets pass ({} of {})", good.size(), comparison.models.size());
  return {best, as_fast == 1
                    ? fmt::format("it is the fastest{}", passing)
                    : fmt::format(
                          "of the {} fastest{}, within 10 % of each other, it is closest to the float model",
                          as_fast, passing)};
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
