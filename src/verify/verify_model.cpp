#include "verify/verify_model.h"

#include <algorithm>
#include <functional>
#include <mutex>

#include "base/parallel.h"
#include "runtime/instances.h"
#include "verify/latency.h"
#include "verify/layers.h"
#include "verify/real_values.h"

namespace calib8 {
namespace {

/// The outputs of both models for every sample: [sample][all outputs, one behind the other].
struct Outputs {
  std::vector<std::vector<float>> real, quantized;
  std::vector<std::optional<int>> labels;
};

std::vector<float> all_outputs(RealModel& model, const Sample& sample, std::size_t index) {
  model.load(sample);
  model.run(index);
  std::vector<float> values;
  for (std::size_t i = 0; i < model.output_count(); ++i) {
    const std::vector<float> output = model.output(i);
    values.insert(values.end(), output.begin(), output.end());
  }
  return values;
}

Outputs run_samples(const FloatModel& real, const WrittenModel& quantized, const SampleSource& samples,
                    const std::shared_ptr<const LiteRt>& litert, const VerifyOptions& options) {
  const auto [instances, threads] =
      share_threads(real.constants.file_size(), options.threads, samples.size());
  const InterpreterOptions run_options{.threads = threads, .purpose = "verifying"};
  const bool run_real = options.float_outputs.empty();
  const SharedFile real_file = run_real ? real.file() : SharedFile();
  std::vector<RealModel> real_models, quantized_models;
  for (int i = 0; i < instances; ++i) {
    if (run_real) real_models.emplace_back(litert, real_file, real.graph, real.graph.outputs(), run_options);
    quantized_models.emplace_back(litert, quantized.file, quantized.graph, quantized.graph.outputs(),
                                  run_options);
  }
  Outputs outputs;
  outputs.real.resize(samples.size());
  outputs.quantized.resize(samples.size());
  outputs.labels.resize(samples.size());
  std::mutex progress_mutex;
  std::size_t done = 0;
  parallel_for(samples.size(), instances, [&](int worker, std::size_t index) {
    const Sample sample = samples.load(index);
    outputs.labels[index] = sample.label;
    outputs.real[index] = run_real ? all_outputs(real_models[static_cast<std::size_t>(worker)], sample, index)
                                   : options.float_outputs.at(index);
    outputs.quantized[index] = all_outputs(quantized_models[static_cast<std::size_t>(worker)], sample, index);
    const std::lock_guard lock(progress_mutex);
    if (options.progress) options.progress(++done, samples.size());
  });
  return outputs;
}

bool is_classifier(const TfliteGraph& graph) {
  if (graph.outputs().size() != 1) return false;
  const Shape& shape = graph[graph.outputs()[0]].shape;
  return shape.size() == 2 && shape[0] == 1 && shape[1] >= 2;
}

Agreement count_agreeing(const Outputs& outputs) {
  Agreement agreement;
  for (std::size_t i = 0; i < outputs.real.size(); ++i) {
    if (argmax(outputs.real[i]) == argmax(outputs.quantized[i])) ++agreement.agreeing;
  }
  agreement.interval = clopper_pearson(agreement.agreeing, static_cast<std::int64_t>(outputs.real.size()));
  return agreement;
}

Accuracy count_correct(const Outputs& outputs) {
  Accuracy accuracy;
  for (std::size_t i = 0; i < outputs.real.size(); ++i) {
    if (!outputs.labels[i]) continue;
    ++accuracy.labelled;
    if (argmax(outputs.real[i]) == static_cast<std::size_t>(*outputs.labels[i])) ++accuracy.float_correct;
    if (argmax(outputs.quantized[i]) == static_cast<std::size_t>(*outputs.labels[i]))
      ++accuracy.quantized_correct;
  }
  return accuracy;
}

bool all_same(const std::vector<std::vector<float>>& outputs) {
  return std::ranges::adjacent_find(outputs, std::not_equal_to<>()) == outputs.end();
}

}  // namespace

Verification verify_model(const FloatModel& real, const WrittenModel& quantized,
                          const TfliteGraph& calibrated, const SampleSource& samples,
                          const std::shared_ptr<const LiteRt>& litert, const VerifyOptions& options) {
  Verification result;
  result.samples = static_cast<int>(samples.size());
  const Outputs outputs = run_samples(real, quantized, samples, litert, options);
  result.sqnr_decibels = centred_sqnr_decibels(outputs.real, outputs.quantized);
  result.constant_outputs = all_same(outputs.quantized) && !all_same(outputs.real);
  if (is_classifier(real.graph)) {
    result.agreement = count_agreeing(outputs);
    if (outputs.real.front().size() == options.classes) {
      const Accuracy accuracy = count_correct(outputs);
      if (accuracy.labelled > 0) result.accuracy = accuracy;
    }
  }
  result.latency =
      measure_latency({real.graph, real.file()}, quantized, samples.load(0), litert, options.latency_seconds);
  result.worst_layers =
      find_worst_layers({calibrated, real.constants}, quantized.graph, samples, litert, options);
  return result;
}

}  // namespace calib8
