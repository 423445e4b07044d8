#include "verify/verify_model.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "calib8/error.h"
#include "verify/latency.h"
#include "verify/layers.h"

namespace calib8 {
namespace {

/// The outputs of both models for every sample: [sample][all outputs, one behind the other].
struct Outputs {
  std::vector<std::vector<float>> of_float, of_quantized;
  std::vector<std::optional<int>> labels;
};

bool is_finite(const std::vector<float>& outputs) {
  return std::all_of(outputs.begin(), outputs.end(), [](float value) { return std::isfinite(value); });
}

/// Nothing that is measured means anything where the float model's answer is no number.
void require_finite(const std::vector<float>& outputs, std::size_t sample) {
  if (is_finite(outputs)) return;
  throw Error(ErrorCode::model, "the float model gives NaN or infinity for verification sample " +
                                    std::to_string(sample) +
                                    ": check the model's weights and the preprocessing");
}

Outputs run_samples(const RunnableModel& float_model, const RunnableModel& quantized,
                    const SampleSource& samples, const std::shared_ptr<const LiteRt>& litert,
                    const VerifyOptions& options) {
  const bool run_float = options.float_outputs.empty();
  std::vector<RunnableModel> models = {quantized};
  if (run_float) models.push_back(float_model);
  ModelPool pool(litert, models, {options.threads, samples.size(), "verifying"});
  Outputs outputs;
  outputs.of_float.resize(samples.size());
  outputs.of_quantized.resize(samples.size());
  outputs.labels.resize(samples.size());
  StepCounter progress(options.progress, samples.size());
  const auto outputs_of = [](ModelInstance& model, const Sample& sample, std::size_t index) {
    model.run(sample, index);
    return model.all_outputs();
  };
  pool.for_each<Sample>(
      samples.size(), [&](std::size_t index) { return samples.load(index); },
      [&](ModelPool::Worker& worker, std::size_t index, const Sample& sample) {
        outputs.labels[index] = sample.label;
        outputs.of_float[index] =
            run_float ? outputs_of(worker.models[1], sample, index) : options.float_outputs.at(index);
        require_finite(outputs.of_float[index], index);
        outputs.of_quantized[index] = outputs_of(worker.models[0], sample, index);
        progress.step();
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
  for (std::size_t i = 0; i < outputs.of_float.size(); ++i) {
    if (is_finite(outputs.of_quantized[i]) && argmax(outputs.of_float[i]) == argmax(outputs.of_quantized[i]))
      ++agreement.agreeing;
  }
  agreement.interval =
      clopper_pearson(agreement.agreeing, static_cast<std::int64_t>(outputs.of_float.size()));
  return agreement;
}

Accuracy count_correct(const Outputs& outputs) {
  Accuracy accuracy;
  for (std::size_t i = 0; i < outputs.of_float.size(); ++i) {
    if (!outputs.labels[i]) continue;
    ++accuracy.labelled;
    if (argmax(outputs.of_float[i]) == static_cast<std::size_t>(*outputs.labels[i])) ++accuracy.float_correct;
    if (is_finite(outputs.of_quantized[i]) &&
        argmax(outputs.of_quantized[i]) == static_cast<std::size_t>(*outputs.labels[i]))
      ++accuracy.quantized_correct;
  }
  return accuracy;
}

bool all_same(const std::vector<std::vector<float>>& outputs) {
  return std::ranges::adjacent_find(outputs, std::not_equal_to<>()) == outputs.end();
}

}  // namespace

Verification verify_model(const FloatModel& float_model, const WrittenModel& quantized,
                          const TfliteGraph& calibrated, const SampleSource& samples,
                          const std::shared_ptr<const LiteRt>& litert, const VerifyOptions& options) {
  Verification result;
  result.samples = static_cast<int>(samples.size());
  const RunnableModel runnable_float = runnable(float_model.graph, float_model.file());
  const RunnableModel runnable_quantized = runnable(quantized.graph, quantized.file);
  const Outputs outputs = run_samples(runnable_float, runnable_quantized, samples, litert, options);
  result.sqnr_decibels = centred_sqnr_decibels(outputs.of_float, outputs.of_quantized);
  result.constant_outputs = all_same(outputs.of_quantized) && !all_same(outputs.of_float);
  if (is_classifier(float_model.graph)) {
    result.agreement = count_agreeing(outputs);
    if (outputs.of_float.front().size() == options.classes) {
      const Accuracy accuracy = count_correct(outputs);
      if (accuracy.labelled > 0) result.accuracy = accuracy;
    }
  }
  result.latency =
      measure_latency(runnable_float, runnable_quantized, samples.load(0), litert, options.latency_seconds);
  result.worst_layers =
      find_worst_layers({calibrated, float_model.constants}, quantized.graph, samples, litert, options);
  return result;
}

}  // namespace calib8
