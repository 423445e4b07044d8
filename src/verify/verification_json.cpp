#include "verify/verification_json.h"

#include <cmath>

namespace calib8 {
namespace {

nlohmann::json finite(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

}  // namespace

nlohmann::json to_json(const Verification& verification) {
  nlohmann::json json = {{"samples", verification.samples},
                         {"sqnr_decibels", finite(verification.sqnr_decibels)},
                         {"latency",
                          {{"float_milliseconds", verification.latency.float_milliseconds},
                           {"quantized_milliseconds", verification.latency.quantized_milliseconds},
                           {"rounds", verification.latency.rounds},
                           {"threads", 1}}}};
  if (const auto& agreement = verification.agreement) {
    json["agreement"] = {{"agreeing", agreement->agreeing},
                         {"share", static_cast<double>(agreement->agreeing) / verification.samples},
                         {"interval_95", {agreement->interval.low, agreement->interval.high}}};
  }
  if (const auto& accuracy = verification.accuracy) {
    json["accuracy"] = {{"labelled", accuracy->labelled},
                        {"float_correct", accuracy->float_correct},
                        {"quantized_correct", accuracy->quantized_correct}};
  }
  nlohmann::json layers = nlohmann::json::array();
  for (const LayerError& layer : verification.worst_layers) {
    layers.push_back(
        {{"tensor", layer.tensor}, {"op", layer.op}, {"sqnr_decibels", finite(layer.sqnr_decibels)}});
  }
  json["worst_layers"] = std::move(layers);
  return json;
}

}  // namespace calib8
