#include "verify/verify_model.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "calib8/error.h"
#include "verify/judge_outputs.h"
#include "verify/latency.h"
#include "verify/layers.h"

namespace calib8 {
namespace {

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

/// Runs both models, sample by sample.
class Runs {
 public:
  Runs(const RunnableModel& float_model, const RunnableModel& quantized, const SampleSource& samples,
       const std::shared_ptr<const LiteRt>& litert, const VerifyOptions& options)
      : samples_(samples),
        options_(options),
        pool_(litert, models(float_model, quantized, options),
              {options.threads, samples.size(), "verifying"}),
        progress_(options.progress, samples.size()) {}

  /// Goes on until there are `count` samples.
  void run_until(std::size_t count) {
    const std::size_t begin = outputs_.of_float.size();
    outputs_.of_float.resize(count);
    outputs_.of_quantized.resize(count);
    outputs_.labels.resize(count);
    pool_.for_each<Sample>(
        count - begin, [&](std::size_t index) { return samples_.load(begin + index); },
        [&](ModelPool::Worker& worker, std::size_t index, const Sample& sample) {
          run(worker, begin + index, sample);
        });
  }
  MeasuredOutputs outputs() const { return {outputs_.of_float, outputs_.of_quantized, outputs_.labels}; }

 private:
  static std::vector<RunnableModel> models(const RunnableModel& float_model, const RunnableModel& quantized,
                                           const VerifyOptions& options) {
    if (!options.float_outputs.empty()) return {quantized};
    return {quantized, float_model};
  }

  void run(ModelPool::Worker& worker, std::size_t index, const Sample& sample) {
    const auto outputs_of = [&](ModelInstance& model) {
      model.run(sample, index);
      return model.all_outputs();
    };
    outputs_.labels[index] = sample.label;
    outputs_.of_float[index] =
        options_.float_outputs.empty() ? outputs_of(worker.models[1]) : options_.float_outputs.at(index);
    require_finite(outputs_.of_float[index], index);
    outputs_.of_quantized[index] = outputs_of(worker.models[0]);
    progress_.step();
  }

  const SampleSource& samples_;
  const VerifyOptions& options_;
  ModelPool pool_;
  StepCounter progress_;
  Outputs outputs_;
};

Agreement count_agreeing(const MeasuredOutputs& outputs) {
  Agreement agreement;
  for (std::size_t i = 0; i < outputs.of_float.size(); ++i) {
    if (is_finite(outputs.of_quantized[i]) && argmax(outputs.of_float[i]) == argmax(outputs.of_quantized[i]))
      ++agreement.agreeing;
  }
  agreement.interval =
      clopper_pearson(agreement.agreeing, static_cast<std::int64_t>(outputs.of_float.size()));
  return agreement;
}

Accuracy count_correct(const MeasuredOutputs& outputs) {
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

/// What one output is far from the float model's, the whole is.
double worst_of(const std::vector<OutputFidelity>& outputs) {
  double worst = std::numeric_limits<double>::infinity();
  for (const OutputFidelity& output : outputs) {
    const double decibels = output.fidelity.sqnr.decibels;
    if (!(decibels >= worst)) worst = decibels;  // NaN is worst, and stays
  }
  return worst;
}

/// After how many samples it is asked whether they are enough: seldom, as each look is a chance to stop at
/// an accident.
std::vector<std::size_t> looks(std::size_t samples, const VerifyOptions& options) {
  std::vector<std::size_t> looks;
  for (const std::size_t look : {kFirstLook, 3 * kFirstLook}) {
    if (options.is_enough && look < samples) looks.push_back(look);
  }
  looks.push_back(samples);
  return looks;
}

}  // namespace

std::size_t classifier_outputs(const TfliteGraph& graph) {
  if (graph.outputs().size() != 1) return 0;
  const Shape& shape = graph[graph.outputs()[0]].shape;
  return shape.size() == 2 && shape[0] == 1 ? static_cast<std::size_t>(shape[1]) : 0;
}

Verification judge_outputs(const TfliteGraph& graph, const MeasuredOutputs& outputs,
                           const OutputMeaning& meaning) {
  Verification result;
  result.samples = static_cast<int>(outputs.of_float.size());
  result.outputs = measure_fidelity(graph, outputs.of_float, outputs.of_quantized);
  result.sqnr_decibels = worst_of(result.outputs);
  if (meaning.task != nullptr) result.task = meaning.task->score(outputs.of_float, outputs.of_quantized);
  if (!meaning.classifies || classifier_outputs(graph) < 2 || result.outputs[0].cosine) return result;
  result.agreement = count_agreeing(outputs);
  if (outputs.of_float.front().size() != meaning.classes) return result;
  const Accuracy accuracy = count_correct(outputs);
  if (accuracy.labelled > 0) result.accuracy = accuracy;
  return result;
}

Verification verify_model(const FloatModel& float_model, const WrittenModel& quantized,
                          const TfliteGraph& calibrated, const SampleSource& samples,
                          const std::shared_ptr<const LiteRt>& litert, const VerifyOptions& options) {
  const RunnableModel runnable_float = runnable(float_model.graph, float_model.file());
  const RunnableModel runnable_quantized = runnable(quantized.graph, quantized.file);
  Verification result;
  Runs runs(runnable_float, runnable_quantized, samples, litert, options);
  for (const std::size_t count : looks(samples.size(), options)) {
    runs.run_until(count);
    result =
        judge_outputs(float_model.graph, runs.outputs(), {options.classes, options.task, options.classifies});
    if (options.is_enough && options.is_enough(result)) break;
  }
  const Sample sample = samples.load(0);
  result.latency =
      measure_latency(runnable_float, runnable_quantized, sample, sample, litert, options.latency_seconds);
  result.worst_layers =
      find_worst_layers({calibrated, float_model.constants}, quantized.graph, samples, litert, options);
  return result;
}

}  // namespace calib8
