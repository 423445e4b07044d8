#include "report/report_json.h"

#include <fmt/format.h>

#include <cmath>

#include "base/text.h"

namespace calib8 {

using nlohmann::json;

void add_path(json& object, const std::string& path) {
  object["path"] = valid_utf8(path);
  if (object["path"] == path) return;
  std::string hex;
  for (const char byte : path) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  object["path_hex"] = hex;
}

namespace {

json to_json(const ModelDescription& model) {
  json object = {
      {"kind", model.kind}, {"file", model.file}, {"bytes", model.bytes}, {"sha256", model.sha256}};
  if (const auto& rebuilt = model.rebuilt) {
    object["architecture"] = rebuilt->architecture;
    object["recognized_by"] = rebuilt->recognized_by;
    object["head"] = rebuilt->head;
    object["num_classes"] = rebuilt->num_classes;
    object["input_size"] = {rebuilt->input_size.first, rebuilt->input_size.second};
    object["input_size_from"] = rebuilt->input_size_from;
    object["config"] = model.config;
  }
  if (!model.class_names.empty()) object["class_names"] = model.class_names;
  if (!model.class_names_from.empty()) object["class_names_from"] = model.class_names_from;
  if (!model.notes.empty()) object["notes"] = model.notes;
  for (const ExternalFile& external : model.external_files) {
    object["external_data"].push_back(
        {{"file", external.file}, {"bytes", external.bytes}, {"sha256", external.sha256}});
  }
  return object;
}

json to_json(const UsedOptions& options) {
  return {{"quantize", options.quantize},
          {"calibration", options.calibration},
          {"io", options.io},
          {"model_input", options.model_input},
          {"num_calib_samples", options.num_calib_samples},
          {"verify_samples", options.verify_samples ? json(*options.verify_samples) : json("auto")},
          {"min_agreement", options.min_agreement},
          {"min_sqnr", options.min_sqnr ? json(*options.min_sqnr) : json(nullptr)},
          {"task", options.task},
          {"max_map_loss", options.max_map_loss ? json(*options.max_map_loss) : json(nullptr)},
          {"require_proof", options.require_proof},
          {"seed", options.seed},
          {"effort", options.effort},
          {"keep_float", options.keep_float},
          {"integer_only", options.integer_only}};
}

json to_json(const WrittenFile& file) {
  json object = {{"bytes", file.bytes}, {"sha256", file.sha256}, {"type", file.type}};
  add_path(object, file.path);
  if (file.float_bytes) object["float_bytes"] = *file.float_bytes;
  return object;
}

json to_json(const Outputs& outputs) {
  json object = json::object();
  if (outputs.onnx) object["onnx"] = to_json(*outputs.onnx);
  if (outputs.tflite) object["tflite"] = to_json(*outputs.tflite);
  if (outputs.metadata) add_path(object["metadata"], *outputs.metadata);
  return object;
}

void add_decibels(json& object, double decibels) {
  object["sqnr_decibels"] = std::isfinite(decibels) ? json(decibels) : json(nullptr);
  if (std::isfinite(decibels)) return;
  object["sqnr_is"] = std::isnan(decibels) ? "not a number" : decibels > 0 ? "infinite" : "-infinite";
}

json to_json(const Latency& latency) {
  return {{"float_milliseconds", latency.float_milliseconds},
          {"quantized_milliseconds", latency.quantized_milliseconds},
          {"rounds", latency.rounds},
          {"ratio_quartiles", {latency.least_ratio, latency.most_ratio}},
          {"reliable", latency.is_reliable()},
          {"threads", 1}};
}

json to_json(const Fidelity& fidelity) {
  json object = {{"dead", fidelity.dead}};
  add_decibels(object, fidelity.sqnr.decibels);
  const auto& [value, low, high] = fidelity.sqnr;
  if (std::isfinite(value) && std::isfinite(low)) object["interval_95"] = {low, high};
  return object;
}

json to_json(const OutputFidelity& output) {
  json object = to_json(output.fidelity);
  object["name"] = output.name;
  if (output.cosine) object["cosine"] = *output.cosine;
  for (const PartFidelity& part : output.parts) {
    object["parts"].push_back(to_json(part.fidelity));
    object["parts"].back().update({{"tensor", part.tensor}, {"op", part.op}});
  }
  return object;
}

json to_json(const OnnxComparison& comparison) {
  json object = {{"description", comparison.description}};
  if (const auto& numbers = comparison.numbers) {
    object["samples"] = numbers->samples;
    object["largest_difference"] = numbers->largest_difference;
    object["largest_value"] = numbers->largest_value;
  }
  return object;
}

json to_json(const ScoredMistake& mistake) {
  return {{"name", mistake.name},           {"flags", mistake.flags},
          {"correct", mistake.correct},     {"only_declared", mistake.only_declared},
          {"only_this", mistake.only_this}, {"p", mistake.p}};
}

json to_json(const PreprocessingCheck& check) {
  json object = {{"images", check.images},
                 {"correct", check.correct},
                 {"mistakes", json::array()},
                 {"verdict", check.verdict}};
  for (const ScoredMistake& mistake : check.mistakes) object["mistakes"].push_back(to_json(mistake));
  if (check.better) object["better"] = to_json(*check.better);
  return object;
}

json to_json(const CandidateComparison& comparison) {
  json object = {{"samples", comparison.samples},
                 {"set_apart", comparison.set_apart},
                 {"chosen", comparison.chosen},
                 {"candidates", json::array()}};
  for (const auto& candidate : comparison.candidates) {
    json entry = {{"name", candidate.name}};
    add_decibels(entry, candidate.sqnr_decibels);
    object["candidates"].push_back(std::move(entry));
  }
  return object;
}

json to_json(const MixedPrecisionReport& mixed) {
  json object = {{"islands", json::array()},
                 {"float_outputs", mixed.float_outputs},
                 {"reached", mixed.reached},
                 {"trials", mixed.trials},
                 {"multiplications_share", mixed.multiplications_share}};
  add_decibels(object["before"], mixed.decibels_before);
  add_decibels(object["after"], mixed.decibels_after);
  for (const auto& island : mixed.islands) {
    json entry = {{"outputs", island.outputs}};
    add_decibels(entry["alone_in_integers"], island.decibels_alone);
    object["islands"].push_back(std::move(entry));
  }
  return object;
}

json to_json(const TaskScore& score) {
  json object = {{"task", score.task},          {"outputs", score.outputs},
                 {"against", score.against},    {"pictures", score.pictures},
                 {"objects", score.objects},    {"measures", json::array()},
                 {"loss", score.loss},          {"interval_95", {score.bounds.low, score.bounds.high}},
                 {"most_loss", score.most_loss}};
  for (const TaskMeasure& measure : score.measures) {
    object["measures"].push_back(
        {{"name", measure.name}, {"float", measure.of_float}, {"quantized", measure.of_quantized}});
  }
  for (const TaskScore::Part& part : score.parts) {
    object["parts"].push_back({{"name", valid_utf8(part.name)},
                               {"objects", part.objects},
                               {"float", part.of_float},
                               {"quantized", part.of_quantized}});
  }
  if (!score.undecided.empty()) object["undecided"] = score.undecided;
  return object;
}

json to_json(const Measured& measured) {
  json object = {{"seconds", measured.seconds}, {"seconds_by_stage", measured.seconds_by_stage}};
  if (measured.comparison) object["comparison"] = to_json(*measured.comparison);
  if (measured.mixed_precision) object["mixed_precision"] = to_json(*measured.mixed_precision);
  if (measured.verification) object["verification"] = to_json(*measured.verification);
  object["gate"] = object["gate_passed"] = nullptr;  // what wasn't judged
  if (measured.gate) {
    object["gate"] = word_of(measured.gate->verdict);
    object["gate_passed"] = measured.gate->verdict != Verdict::failed;
    object["verdict"] = measured.gate->sentence;
    if (!measured.gate->next_step.empty()) object["next_step"] = measured.gate->next_step;
  }
  if (measured.onnx_comparison) object["onnx_comparison"] = to_json(*measured.onnx_comparison);
  if (measured.preprocessing_check) object["preprocessing_check"] = to_json(*measured.preprocessing_check);
  return object;
}

}  // namespace

json to_json(const Verification& verification) {
  json object = {{"samples", verification.samples},
                 {"latency", to_json(verification.latency)},
                 {"outputs", json::array()}};
  add_decibels(object, verification.sqnr_decibels);
  for (const OutputFidelity& output : verification.outputs) object["outputs"].push_back(to_json(output));
  if (const auto& agreement = verification.agreement) {
    object["agreement"] = {{"agreeing", agreement->agreeing},
                           {"share", static_cast<double>(agreement->agreeing) / verification.samples},
                           {"interval_95", {agreement->interval.low, agreement->interval.high}}};
  }
  if (const auto& accuracy = verification.accuracy) {
    object["accuracy"] = {{"labelled", accuracy->labelled},
                          {"float_correct", accuracy->float_correct},
                          {"quantized_correct", accuracy->quantized_correct}};
  }
  if (verification.task) object["task"] = to_json(*verification.task);
  object["worst_layers"] = json::array();
  for (const LayerError& layer : verification.worst_layers) {
    json entry = {{"tensor", layer.tensor}, {"op", layer.op}};
    add_decibels(entry, layer.sqnr_decibels);
    object["worst_layers"].push_back(std::move(entry));
  }
  return object;
}

json to_json(const ModelInputDescription& input) {
  return {{"takes", input.takes_pixels ? "pixels" : "normalized"},
          {"type", input.type},
          {"scale", input.scale},
          {"zero_point", input.zero_point},
          {"feed", input.feed}};
}

json to_json(const DatasetDescription& dataset) {
  json object = {{"layout", dataset.layout}, {"calibration_samples", dataset.calibration_samples}};
  if (dataset.verification_samples) {
    object["verification_samples"] = *dataset.verification_samples;
    object["held_out"] = dataset.calibrated_and_verified == 0;
    object["calibrated_and_verified"] = dataset.calibrated_and_verified;
  }
  if (dataset.selection_samples > 0) object["selection_samples"] = dataset.selection_samples;
  if (!dataset.folder) return object;
  const DatasetDescription::Folder& folder = *dataset.folder;
  object["folder"] = folder.path;
  object["classes"] = folder.classes;
  object["images"] = folder.images;
  object["skipped"] = json::array();
  for (const SkippedFile& file : folder.skipped)
    object["skipped"].push_back({{"path", file.path}, {"reason", file.reason}});
  object["dropped_duplicates"] = folder.dropped_duplicates;
  object["notes"] = folder.notes;
  if (!folder.quality.is_null()) object["quality"] = folder.quality;
  return object;
}

json to_json(const std::optional<PreprocessingDescription>& preprocessing) {
  if (!preprocessing) return nullptr;
  json object = preprocessing->steps;
  object["description"] = preprocessing->description;
  object["name"] = preprocessing->name;
  object["from"] = preprocessing->from;
  return object;
}

json to_json(const ExportReport& report) {
  json object = {{"schema_version", schema_version},   {"calib8_version", report.calib8_version},
                 {"model", to_json(report.model)},     {"options", to_json(report.options)},
                 {"outputs", to_json(report.outputs)}, {"measured", to_json(report.measured)}};
  if (!report.warnings.empty()) object["warnings"] = report.warnings;
  if (!report.stopped_after.empty()) object["stopped_after"] = report.stopped_after;
  for (const MovedOutput& output : report.moved_outputs) {
    object["moved_outputs"].push_back({{"output", valid_utf8(output.name)},
                                       {"axes", "channels last (NHWC)"},
                                       {"shape", output.tflite_shape},
                                       {"onnx_shape", output.onnx_shape}});
  }
  for (const SplitOutput& output : report.split_outputs) {
    json parts = json::array();
    for (const SplitOutput::Part& part : output.parts)
      parts.push_back({{"output", valid_utf8(part.name)}, {"shape", part.shape}});
    object["split_outputs"].push_back(
        {{"output", valid_utf8(output.name)}, {"shape", output.shape}, {"parts", std::move(parts)}});
  }
  if (report.model_input) object["model_input"] = to_json(*report.model_input);
  if (!report.quantization.is_null()) object["quantization"] = report.quantization;
  for (const NarrowWeights& narrow : report.narrow_weights) {
    object["quantization"]["weights"].push_back(
        {{"name", valid_utf8(narrow.weights)}, {"operator", narrow.op}, {"use", narrow.use}});
  }
  if (report.dataset) object["dataset"] = to_json(*report.dataset);
  if (report.dataset || report.preprocessing) object["preprocessing"] = to_json(report.preprocessing);
  return object;
}

}  // namespace calib8
