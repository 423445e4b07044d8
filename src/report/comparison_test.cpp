#include "report/comparison.h"

#include <gtest/gtest.h>

#include <limits>

namespace calib8 {
namespace {

ComparedModel model(const char* name, double milliseconds, std::uint64_t bytes, double decibels,
                    Verdict verdict = Verdict::proven) {
  ComparedModel model{.name = name, .bytes = bytes};
  model.verification.samples = 100;
  model.verification.sqnr_decibels = decibels;
  const double ratio = 10 / milliseconds;
  model.verification.latency = {10, milliseconds, 20, ratio, ratio};
  model.gate.verdict = verdict;
  return model;
}

constexpr double no_error = std::numeric_limits<double>::infinity();

std::string recommended(std::vector<ComparedModel> models) {
  ModelComparison comparison;
  comparison.models = std::move(models);
  return comparison.models[recommend(comparison).model].name;
}

TEST(Comparison, TakesTheFastestThatPasses) {
  EXPECT_EQ(recommended({model("float32", 10, 40, no_error), model("int8", 3, 10, 30)}), "int8");
  EXPECT_EQ(recommended({model("float32", 10, 40, no_error), model("int8", 3, 10, 8, Verdict::failed)}),
            "float32");
  EXPECT_EQ(recommended({model("int8", 3, 10, 30, Verdict::unproven), model("int16x8", 50, 10, 60)}), "int8");
}

TEST(Comparison, OfEquallyFastOnesTheSmallestAndThenTheClosest) {
  EXPECT_EQ(recommended({model("float32", 10, 40, no_error), model("float16", 10.5, 20, 60)}), "float16");
  EXPECT_EQ(
      recommended({model("minmax", 3, 100, 25), model("mse", 3.2, 101, 28), model("slow", 3.6, 100, 40)}),
      "mse");
}

TEST(Comparison, OfFailedOnesTheClosest) {
  EXPECT_EQ(
      recommended({model("a", 1, 1, 5, Verdict::failed), model("b", 2, 1, 9, Verdict::failed),
                   model("no number", 1, 1, std::numeric_limits<double>::quiet_NaN(), Verdict::failed)}),
      "b");
}

TEST(Comparison, MarksWhatItRecommendsInTheTable) {
  ModelComparison comparison;
  comparison.models = {model("float32", 10, 40000, no_error), model("int8", 3, 10000, 30.04)};
  const std::string text = summarize(comparison, recommend(comparison));
  EXPECT_NE(text.find("* int8"), std::string::npos) << text;
  EXPECT_NE(text.find("no error"), std::string::npos) << text;
  EXPECT_NE(text.find("recommended: int8: it is the fastest"), std::string::npos) << text;
  const nlohmann::json json = to_json(comparison, recommend(comparison));
  EXPECT_EQ(json.at("recommended"), "int8");
  EXPECT_EQ(json.at("models").at(0).at("verification").at("sqnr_is"), "infinite");
}

}  // namespace
}  // namespace calib8
