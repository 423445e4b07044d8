#include "pipeline/take_data.h"

#include "pipeline/given_arrays.h"
#include "pipeline/prove.h"
#include "recover/recover.h"
#include "verify/verify_model.h"

namespace calib8 {
namespace {

RepresentativeData open_data(ExportRun& run, const LoweredModel& model) {
  const ExportOptions& options = run.options;
  SampleRequest request;
  request.verification = options.verify_samples.value_or(kFirstLook);
  if (!options.verify_samples) request.more_verification = most_to_verify(model.graph) - kFirstLook;
  if (is_integer(options.quantize)) request.selection = selection_samples(options.effort);
  if (options.next_sample) return open_given_arrays(model.graph, options, request);
  for (std::size_t i = 0; i < model.graph.inputs().size(); ++i)
    request.inputs.push_back({model.graph.input_names[i], model.graph[model.graph.inputs()[i]].shape});
  request.config = model.config;
  request.class_names = run.report.model.class_names;
  request.config_from = run.report.model.config_from;
  request.file_has_channels_last = run.report.model.kind == "tflite";
  request.check_preprocessing = options.check_preprocessing;
  request.threads = run.threads;
  return open_representative_data(
      dataset_folder(options, " (or write a model without calibration: --quantize dynamic, or float16)"),
      options, request);
}

}  // namespace

bool is_integer(QuantizeTo quantize) {
  return quantize == QuantizeTo::int8 || quantize == QuantizeTo::int16x8;
}

RepresentativeData take_data(ExportRun& run, const LoweredModel& model) {
  RepresentativeData data = open_data(run, model);
  run.outputs.keep_apart_from(data);
  run.report.dataset = describe_dataset(data);
  run.report.preprocessing = describe_preprocessing(data);
  run.end_stage("samples");
  return data;
}

}  // namespace calib8
