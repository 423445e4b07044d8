#include "report/read_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "calib8/error.h"
#include "report/report_json.h"
#include "report/summary.h"

namespace calib8 {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// A report in which every member that the summary shows is there.
ExportReport full_report() {
  ExportReport report;
  report.calib8_version = "1.2.3";
  report.model = {"checkpoint",
                  "m.pth",
                  7,
                  "ab",
                  RebuiltDescription{"resnet18", "tensors", "a head", 10, {32, 48}, "a flag"},
                  {},
                  {}};
  report.options = {"int8", "mse", "int8", "auto", 100,
                    20,     0.98,  20,     false,  std::numeric_limits<std::uint64_t>::max()};
  report.dataset = {.layout = "images: flat",
                    .calibration_samples = 100,
                    .verification_samples = 20,
                    .calibrated_and_verified = 3};
  report.dataset->folder = DatasetDescription::Folder{};
  report.dataset->folder->path = "data";
  report.dataset->folder->skipped.push_back({"a.jpg", "is empty"});
  report.preprocessing = {"resized", "imagenet", "the default", json::object()};
  report.quantization = {
      {"tensors", json::array()},
      {"float_operators", {{{"operator", "DIV"}, {"output", "a quotient"}, {"reason", "no right kernel"}}}}};
  report.float_operators = {{"DIV", "a quotient", "no right kernel"}};
  report.narrow_weights = {{"fc.weight", "FULLY_CONNECTED", "int8 kernel"}};
  report.moved_outputs = {{"mask", {1, 5, 12, 10}, {1, 12, 10, 5}}};
  report.split_outputs = {{"y", {1, 6, 9}, {{"y_1", {1, 4, 9}}, {"y_2", {1, 2, 9}}}}};
  report.outputs.onnx = {"m.onnx", 1000, "cd", "float32", {}};
  report.outputs.tflite = {"m.tflite", 250, "ef", "int8", 1000};
  report.outputs.metadata = "m.json";
  Measured& measured = report.measured;
  measured.seconds = 1.5;
  measured.comparison =
      CandidateComparison{20, true, {{"ranges mse", 30.0}, {"ranges mse, second-order rounding", 31.5}}, 1};
  measured.verification.emplace();
  measured.verification->samples = 20;
  measured.verification->sqnr_decibels = 30.5;
  measured.verification->agreement = {19, {0.75, 0.99}};
  measured.verification->accuracy = Accuracy{20, 18, 17};
  measured.verification->worst_layers = {{"a tensor", "CONV_2D", 12.5}};
  measured.verification->latency = {2, 1, 9, 1.9, 2.1};
  measured.verification->outputs = {{"y", {{30.5, 29, 32}, false}, 0.998, {}}};
  measured.verification->outputs[0].parts = {{"scores", "LOGISTIC", {{7.25, 7, 8}, false}}};
  measured.verification->task = TaskScore{.task = "detection",
                                          .outputs = "boxes and scores side by side",
                                          .against = "labels",
                                          .pictures = 100,
                                          .objects = 312,
                                          .measures = {{"mAP50-95", 0.75, 0.5}},
                                          .loss = 0.25,
                                          .bounds = {0.2, 0.3},
                                          .most_loss = 0.01,
                                          .undecided = "too few",
                                          .parts = {{"an ant", 12, 0.75, 0.25}}};
  measured.gate = {Verdict::proven, "proven: enough", "verify on more"};
  measured.onnx_comparison = {"no difference", OnnxComparison::Numbers{5, 0.1, 2}};
  measured.preprocessing_check.emplace().verdict = "none is better";
  return report;
}

ExportReport parse(const json& object) {
  return read_report(JsonFields::parse(object.dump(), "file.json"));
}

/// The error that a text ends with.
std::string refusal(const std::string& text) {
  try {
    const ExportReport report = read_report(JsonFields::parse(text, "file.json"));
    summarize(report);
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(ErrorCode::model)) << text.substr(0, 200);
    return error.what();
  }
  return {};
}

TEST(ReadReport, GivesTheSummaryOfTheExport) {
  const ExportReport report = full_report();
  const std::string summary = summarize(report);
  for (const char* part :
       {"m.pth: resnet18",
        "32x48",
        "18446744073709551615",
        "(3 of the same ones)",
        "1 unreadable",
        "as imagenet",
        "4.0x smaller",
        "19 of 20",
        "75.0 to 99.0",
        "17 of 20 right",
        "2.0x faster",
        "30.5 dB",
        "mAP50-95 0.5000, float 0.7500 (against labels: 100 pictures, 312 objects): too few",
        "an ant: 0.250, float 0.750 (12 objects)",
        "29.0 to 32.0",
        "cosine 0.998",
        "part scores (LOGISTIC): 7.2 dB",
        "a tensor (CONV_2D)",
        "output mask is [1, 12, 10, 5], channels last; [1, 5, 12, 10] in ONNX",
        "proven: enough",
        "verify on more",
        "no difference",
        "none is better",
        "1 operator: DIV 'a quotient' (no right kernel)"})
    EXPECT_THAT(summary, HasSubstr(part));
  EXPECT_EQ(summarize(parse(to_json(report))), summary);
}

TEST(ReadReport, TellsWhatIsNoNumberApart) {
  const double infinity = std::numeric_limits<double>::infinity();
  ExportReport report = full_report();
  for (const auto& [value, word] : {std::pair(infinity, "no error"), std::pair(-infinity, "no signal"),
                                    std::pair(std::nan(""), "no numbers (NaN")}) {
    report.measured.verification->sqnr_decibels = value;
    report.measured.verification->outputs[0].fidelity.sqnr = {value, value, value};
    const json object = to_json(report);
    EXPECT_TRUE(object["measured"]["verification"]["sqnr_decibels"].is_null());
    EXPECT_THAT(summarize(report), HasSubstr(std::string("fidelity   ") + word));
    EXPECT_EQ(summarize(parse(object)), summarize(report));
  }
}

/// Each member in turn becomes each kind of value, or goes: a summary, or a refusal that names it.
TEST(ReadReport, RefusesEachMemberOfAnotherType) {
  const json whole = to_json(full_report());
  const json odd[] = {nullptr,       true,           -1,  1.5,      1e300,       "text",
                      json::array(), json::object(), {1}, {1, "2"}, {{{"a", 1}}}};
  std::size_t refused = 0;
  const json flat = whole.flatten();
  for (const auto& [place, value] : flat.items()) {
    for (json::json_pointer pointer(place); !pointer.empty(); pointer.pop_back()) {
      for (const json& other : odd) {
        json changed = whole;
        changed[pointer] = other;
        const std::string message = refusal(changed.dump());
        if (message.empty()) continue;
        ++refused;
        EXPECT_THAT(message, HasSubstr("file.json: is not the metadata that calib8 writes: \""));
      }
      json changed = whole;
      json& parent = changed.at(pointer.parent_pointer());
      if (parent.is_object()) parent.erase(parent.find(pointer.back()));
      refusal(changed.dump());
    }
  }
  EXPECT_GT(refused, 300u);
}

TEST(ReadReport, RefusesDepthAndDamage) {
  EXPECT_THAT(refusal("{\"a\":" + std::string(100000, '[')), HasSubstr("levels"));
  EXPECT_THAT(refusal("{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}"),
              HasSubstr("levels"));
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_THAT(refusal(objects), HasSubstr("levels"));
  EXPECT_THAT(refusal("{"), HasSubstr("is none"));
  EXPECT_THAT(refusal("{}"), HasSubstr("\"schema_version\" is missing"));
  EXPECT_THAT(refusal("{\"schema_version\": 1e400}"), HasSubstr("file.json"));
}

TEST(ReadReport, ReadsOlderMetadata) {
  json object = to_json(full_report());
  object["preprocessing"].erase("from");
  object["preprocessing"].erase("name");
  object["dataset"].erase("calibrated_and_verified");
  EXPECT_THAT(summarize(parse(object)), HasSubstr("(of the same ones)"));
}

}  // namespace
}  // namespace calib8
