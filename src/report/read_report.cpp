#include "report/read_report.h"

#include <algorithm>
#include <limits>

namespace calib8 {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

ModelDescription read_model(const JsonFields& fields) {
  ModelDescription model{fields.text("kind"),
                         fields.text("file"),
                         fields.count_or("bytes", 0),
                         fields.text_or("sha256", ""),
                         {},
                         {},
                         {}};
  if (model.kind != "checkpoint") return model;
  model.class_names_from = fields.text_or("class_names_from", "");
  const std::vector<double> size = fields.numbers("input_size", 2);
  model.rebuilt = {fields.text("architecture"),
                   fields.text("recognized_by"),
                   fields.text("head"),
                   static_cast<std::int64_t>(fields.count("num_classes")),
                   {static_cast<std::int64_t>(std::clamp(size[0], 0.0, 1e9)),
                    static_cast<std::int64_t>(std::clamp(size[1], 0.0, 1e9))},
                   fields.text("input_size_from")};
  return model;
}

DatasetDescription read_dataset(const JsonFields& fields) {
  DatasetDescription dataset;
  dataset.layout = fields.text("layout");
  dataset.calibration_samples = fields.count("calibration_samples");
  dataset.verification_samples = fields.count("verification_samples");
  if (!fields.truth("held_out"))
    dataset.calibrated_and_verified =
        fields.count_or("calibrated_and_verified", *dataset.verification_samples);
  if (!fields.has("folder")) return dataset;
  dataset.folder = DatasetDescription::Folder{};
  dataset.folder->path = fields.text("folder");
  dataset.folder->skipped.resize(fields.length("skipped"));
  return dataset;
}

ModelInputDescription read_model_input(const JsonFields& fields) {
  return {fields.text("takes") == "pixels", fields.text("type"), fields.number("scale"),
          static_cast<std::int64_t>(fields.number("zero_point")), fields.text("feed")};
}

/// Those with a reason: others convert between types, or older versions wrote them.
std::vector<OperatorInFloat> read_float_operators(const JsonFields& quantization) {
  std::vector<OperatorInFloat> operators;
  if (!quantization.has("float_operators")) return operators;
  for (const JsonFields& fields : quantization.objects("float_operators")) {
    std::string reason = fields.text_or("reason", "");
    if (!reason.empty())
      operators.push_back({fields.text("operator"), fields.text("output"), std::move(reason)});
  }
  return operators;
}

std::vector<NarrowWeights> read_narrow_weights(const JsonFields& quantization) {
  std::vector<NarrowWeights> weights;
  if (!quantization.has("weights")) return weights;
  for (const JsonFields& fields : quantization.objects("weights"))
    weights.push_back({fields.text("name"), fields.text("operator"), fields.text("use")});
  return weights;
}

WrittenFile read_file(const JsonFields& fields) {
  WrittenFile file{
      fields.text("path"), fields.count("bytes"), fields.text_or("sha256", ""), fields.text("type"), {}};
  if (fields.has("float_bytes")) file.float_bytes = fields.count("float_bytes");
  return file;
}

/// The ratio, or what stands for it where it is no number of JSON's.
double read_decibels(const JsonFields& fields) {
  if (!fields.is_null("sqnr_decibels")) return fields.number("sqnr_decibels");
  const std::string what = fields.text_or("sqnr_is", "infinite");  // older versions wrote nothing beside it
  return what == "infinite"    ? infinity
         : what == "-infinite" ? -infinity
                               : std::numeric_limits<double>::quiet_NaN();
}

int read_int(const JsonFields& fields, std::string_view name) {
  return static_cast<int>(std::min<std::uint64_t>(fields.count(name), std::numeric_limits<int>::max()));
}

Latency read_latency(const JsonFields& fields) {
  Latency latency{.float_milliseconds = fields.number("float_milliseconds"),
                  .quantized_milliseconds = fields.number("quantized_milliseconds"),
                  .rounds = read_int(fields, "rounds")};
  if (!fields.has("ratio_quartiles")) {  // of older versions
    latency.least_ratio = latency.most_ratio = latency.ratio();
    return latency;
  }
  const std::vector<double> quartiles = fields.numbers("ratio_quartiles", 2);
  latency.least_ratio = quartiles[0];
  latency.most_ratio = quartiles[1];
  return latency;
}

Fidelity read_fidelity(const JsonFields& fields) {
  const double decibels = read_decibels(fields);
  Fidelity fidelity{{decibels, decibels, decibels}, fields.truth("dead")};
  if (!fields.has("interval_95")) return fidelity;
  const std::vector<double> interval = fields.numbers("interval_95", 2);
  fidelity.sqnr.low = interval[0];
  fidelity.sqnr.high = interval[1];
  return fidelity;
}

OutputFidelity read_output(const JsonFields& fields) {
  OutputFidelity output{fields.text("name"), read_fidelity(fields), {}, {}};
  if (fields.has("cosine")) output.cosine = fields.number("cosine");
  if (!fields.has("parts")) return output;
  for (const JsonFields& part : fields.objects("parts"))
    output.parts.push_back({part.text("tensor"), part.text("op"), read_fidelity(part)});
  return output;
}

/// Older versions only said whether the gate was passed.
GateDecision read_gate(const JsonFields& fields) {
  Verdict verdict = fields.truth("gate_passed") ? Verdict::unproven : Verdict::failed;
  if (fields.has("gate")) {
    const auto found = find_choice<Verdict>(fields.text("gate"));
    if (!found) fields.refuse("gate", "is none of " + words_of<Verdict>(", "));
    verdict = *found;
  }
  return {verdict, fields.text("verdict"), fields.text_or("next_step", "")};
}

TaskScore read_task(const JsonFields& fields) {
  TaskScore score{
      .task = fields.text("task"), .outputs = fields.text("outputs"), .against = fields.text("against")};
  score.pictures = fields.count("pictures");
  score.objects = fields.count("objects");
  for (const JsonFields& measure : fields.objects("measures"))
    score.measures.push_back({measure.text("name"), measure.number("float"), measure.number("quantized")});
  score.loss = fields.number("loss");
  const std::vector<double> interval = fields.numbers("interval_95", 2);
  score.bounds = {interval[0], interval[1]};
  score.most_loss = fields.number("most_loss");
  score.undecided = fields.text_or("undecided", "");
  if (!fields.has("parts")) return score;
  for (const JsonFields& part : fields.objects("parts"))
    score.parts.push_back(
        {part.text("name"), part.count("objects"), part.number("float"), part.number("quantized")});
  return score;
}

Verification read_verification(const JsonFields& fields) {
  Verification verification;
  verification.samples = read_int(fields, "samples");
  verification.sqnr_decibels = read_decibels(fields);
  verification.latency = read_latency(fields.object("latency"));
  if (fields.has("outputs")) {
    for (const JsonFields& output : fields.objects("outputs"))
      verification.outputs.push_back(read_output(output));
  }
  if (fields.has("agreement")) {
    const JsonFields agreement = fields.object("agreement");
    const std::vector<double> interval = agreement.numbers("interval_95", 2);
    verification.agreement = Agreement{read_int(agreement, "agreeing"), {interval[0], interval[1]}};
  }
  if (fields.has("accuracy")) {
    const JsonFields accuracy = fields.object("accuracy");
    verification.accuracy = Accuracy{read_int(accuracy, "labelled"), read_int(accuracy, "float_correct"),
                                     read_int(accuracy, "quantized_correct")};
  }
  if (fields.has("task")) verification.task = read_task(fields.object("task"));
  for (const JsonFields& layer : fields.objects("worst_layers"))
    verification.worst_layers.push_back({layer.text("tensor"), layer.text("op"), read_decibels(layer)});
  return verification;
}

CandidateComparison read_comparison(const JsonFields& fields) {
  CandidateComparison comparison;
  comparison.samples = fields.count("samples");
  comparison.set_apart = fields.truth("set_apart");
  for (const JsonFields& entry : fields.objects("candidates"))
    comparison.candidates.push_back({entry.text("name"), read_decibels(entry)});
  comparison.chosen = fields.count("chosen");
  return comparison;
}

MixedPrecisionReport read_mixed_precision(const JsonFields& fields) {
  MixedPrecisionReport mixed;
  for (const JsonFields& entry : fields.objects("islands"))
    mixed.islands.push_back({entry.texts("outputs"), read_decibels(entry.object("alone_in_integers"))});
  mixed.float_outputs = fields.texts("float_outputs");
  mixed.decibels_before = read_decibels(fields.object("before"));
  mixed.decibels_after = read_decibels(fields.object("after"));
  mixed.reached = fields.truth("reached");
  mixed.trials = fields.count("trials");
  mixed.multiplications_share = fields.number("multiplications_share");
  return mixed;
}

std::vector<std::int64_t> read_shape(const JsonFields& fields, std::string_view name) {
  std::vector<std::int64_t> shape;
  for (const double size : fields.numbers(name, fields.length(name)))
    shape.push_back(static_cast<std::int64_t>(std::clamp(size, 0.0, 1e9)));
  return shape;
}

std::vector<SplitOutput> read_split_outputs(const JsonFields& metadata) {
  std::vector<SplitOutput> outputs;
  for (const JsonFields& output : metadata.objects("split_outputs")) {
    outputs.push_back({output.text("output"), read_shape(output, "shape"), {}});
    for (const JsonFields& part : output.objects("parts"))
      outputs.back().parts.push_back({part.text("output"), read_shape(part, "shape")});
  }
  return outputs;
}

Measured read_measured(const JsonFields& fields) {
  Measured measured;
  measured.seconds = fields.number("seconds");
  if (fields.has("comparison")) measured.comparison = read_comparison(fields.object("comparison"));
  if (fields.has("mixed_precision"))
    measured.mixed_precision = read_mixed_precision(fields.object("mixed_precision"));
  if (fields.has("verification")) measured.verification = read_verification(fields.object("verification"));
  if (fields.has("verdict")) measured.gate = read_gate(fields);
  if (fields.has("onnx_comparison"))
    measured.onnx_comparison = {fields.object("onnx_comparison").text("description"), {}};
  if (fields.has("preprocessing_check"))
    measured.preprocessing_check.emplace().verdict = fields.object("preprocessing_check").text("verdict");
  return measured;
}

}  // namespace

ExportReport read_report(const JsonFields& metadata) {
  ExportReport report;
  metadata.count("schema_version");  // says that it is metadata
  report.calib8_version = metadata.text_or("calib8_version", "");
  report.model = read_model(metadata.object("model"));
  const JsonFields options = metadata.object("options");
  report.options.calibration = options.text("calibration");
  report.options.seed = options.count("seed");
  report.options.effort = options.text_or("effort", "");
  if (metadata.has("dataset")) report.dataset = read_dataset(metadata.object("dataset"));
  if (metadata.has("preprocessing") && !metadata.is_null("preprocessing")) {
    const JsonFields preprocessing = metadata.object("preprocessing");
    report.preprocessing = {preprocessing.text("description"),
                            preprocessing.text_or("name", ""),
                            preprocessing.text_or("from", ""),
                            {}};
  }
  if (metadata.has("model_input")) report.model_input = read_model_input(metadata.object("model_input"));
  if (metadata.has("quantization")) {
    report.float_operators = read_float_operators(metadata.object("quantization"));
    report.narrow_weights = read_narrow_weights(metadata.object("quantization"));
  }
  if (metadata.has("moved_outputs")) {
    for (const JsonFields& output : metadata.objects("moved_outputs"))
      report.moved_outputs.push_back(
          {output.text("output"), read_shape(output, "onnx_shape"), read_shape(output, "shape")});
  }
  if (metadata.has("split_outputs")) report.split_outputs = read_split_outputs(metadata);
  const JsonFields outputs = metadata.object("outputs");
  if (outputs.has("onnx")) report.outputs.onnx = read_file(outputs.object("onnx"));
  if (outputs.has("tflite")) report.outputs.tflite = read_file(outputs.object("tflite"));
  if (outputs.has("metadata")) report.outputs.metadata = outputs.object("metadata").text("path");
  report.measured = read_measured(metadata.object("measured"));
  return report;
}

}  // namespace calib8
