#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "report/export_report.h"

namespace calib8 {

/// One of several models that stand for the same float model, as it was measured.
struct ComparedModel {
  std::string name;       ///< Of the method, or the file's path.
  bool is_other = false;  ///< Made by another tool.
  std::string recipe;     ///< How it was made; may be empty.
  std::uint64_t bytes = 0;
  std::optional<double>
      seconds;  ///< That making it took, beyond what all share; nothing for a file that was there.
  Verification verification;
  GateDecision gate;
  std::optional<ModelInputDescription> input;
  std::optional<std::string> file;  ///< Where it was kept.
};

struct ModelComparison {
  std::string calib8_version;
  ModelDescription model;
  std::optional<DatasetDescription> dataset;
  double shared_seconds = 0;          ///< Reading the model and its samples, calibrating.
  std::vector<ComparedModel> models;  ///< As they were asked for; not empty.
};

struct Recommendation {
  std::size_t model = 0;
  std::string reason;  ///< One sentence.
};

/// Of those whose gate has not failed the fastest; of those within 10 % of it the smallest; of those within
/// 10 % of that size the one closest to the float model. Where all have failed, the closest of all.
Recommendation recommend(const ModelComparison& comparison);

/// A line for each model, and the recommendation.
std::string summarize(const ModelComparison& comparison, const Recommendation& recommendation);

nlohmann::json to_json(const ModelComparison& comparison, const Recommendation& recommendation);

}  // namespace calib8
