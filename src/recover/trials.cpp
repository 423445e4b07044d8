#include "recover/trials.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "verify/statistics.h"

namespace calib8 {
namespace {

/// NaN is worst.
double rank(double decibels) {
  return std::isnan(decibels) ? -std::numeric_limits<double>::infinity() : decibels;
}

std::vector<std::vector<float>> part_of(const std::vector<std::vector<float>>& samples, std::size_t first,
                                        std::size_t count) {
  std::vector<std::vector<float>> parts;
  for (const std::vector<float>& sample : samples) {
    const auto begin = sample.begin() + static_cast<std::ptrdiff_t>(first);
    parts.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(count));
  }
  return parts;
}

bool varies(const std::vector<std::vector<float>>& samples) {
  return std::ranges::any_of(samples, [&](const auto& sample) { return sample != samples.front(); });
}

}  // namespace

double score_outputs(const std::vector<std::vector<float>>& reference,
                     const std::vector<std::vector<float>>& measured, const std::vector<std::size_t>& sizes) {
  double sum = 0;
  std::size_t counted = 0, first = 0;
  for (const std::size_t size : sizes) {
    const auto expected = part_of(reference, first, size), given = part_of(measured, first, size);
    first += size;
    const double decibels = centred_sqnr_decibels(expected, given);
    if (std::isnan(decibels) && size > 0) return decibels;
    if (!varies(expected)) continue;
    sum += std::clamp(decibels, -20.0, 100.0);
    ++counted;
  }
  return counted == 0 ? 0 : sum / static_cast<double>(counted);
}

Trials::Trials(const QuantizationTask& task, const SampleSource& samples, std::size_t count,
               std::function<void()> step)
    : task_(task), samples_(samples), count_(count), step_(std::move(step)) {
  of_float_ = outputs_of(runnable(task.model.graph, task.model.file()), count);
}

bool Trials::add(const Recipe& recipe, QuantizedModel model, double lead) {
  trials_.push_back({recipe, score(outputs_of(model.runnable(), count_))});
  if (step_) step_();
  if (best_model_ && rank(trials_.back().decibels) <= rank(trials_[best_].decibels) + lead) return false;
  best_ = trials_.size() - 1;
  best_model_ = std::move(model);
  return true;
}

void Trials::prefer(const Recipe& recipe, double decibels, QuantizedModel model) {
  best_ = trials_.size();
  trials_.push_back({recipe, decibels});
  best_model_ = std::move(model);
}

double Trials::score(const std::vector<std::vector<float>>& outputs) const {
  std::vector<std::size_t> sizes;
  for (const TensorId output : task_.model.graph.outputs())
    sizes.push_back(static_cast<std::size_t>(element_count(task_.model.graph[output].shape).value_or(0)));
  return score_outputs(of_float_, outputs, sizes);
}

std::vector<std::vector<float>> Trials::outputs_of(const RunnableModel& model, std::size_t count) const {
  std::vector<std::vector<float>> outputs(count);
  ModelPool pool(task_.litert, {model}, {task_.threads, count, "comparing candidates"});
  pool.for_each<Sample>(
      count, [&](std::size_t index) { return samples_.load(index); },
      [&](ModelPool::Worker& worker, std::size_t index, const Sample& sample) {
        worker.models.front().run(sample, index);
        outputs[index] = worker.models.front().all_outputs();
      });
  return outputs;
}

}  // namespace calib8
