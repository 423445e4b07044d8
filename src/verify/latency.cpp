#include "verify/latency.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/interrupt.h"
#include "base/parallel.h"

namespace calib8 {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

double quantile(std::vector<double> values, double share) {
  const auto place =
      values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

Latency summarize(const std::vector<double>& float_times, const std::vector<double>& quantized_times) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < float_times.size(); ++i) ratios.push_back(float_times[i] / quantized_times[i]);
  // Whatever else the machine does makes a run longer, never shorter.
  return {quantile(float_times, 0.25), quantile(quantized_times, 0.25), static_cast<int>(ratios.size()),
          quantile(ratios, 0.25), quantile(ratios, 0.75)};
}

}  // namespace

bool Latency::is_reliable() const {
  constexpr double most_spread = 1.5;
  return most_ratio <= most_spread * least_ratio;
}

Latency measure_latency(const RunnableModel& float_model, const RunnableModel& quantized,
                        const Sample& sample, const std::shared_ptr<const LiteRt>& litert, double seconds) {
  constexpr std::size_t fewest_rounds = 3, most_rounds = 50;
  const InterpreterOptions options{.purpose = "timing"};
  std::optional<ModelInstance> instances[2];
  parallel_for(2, 2, [&](int, std::size_t i) {
    instances[i].emplace(litert, i == 0 ? float_model : quantized, options);
    instances[i]->run(sample, 0);  // the first run touches memory for the first time
  });
  ModelInstance &float_instance = *instances[0], &quantized_instance = *instances[1];

  std::vector<double> float_times, quantized_times;
  const auto start = Clock::now();
  const auto spent = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  while (float_times.size() < fewest_rounds || (spent() < seconds && float_times.size() < most_rounds)) {
    throw_if_interrupted();
    float_times.push_back(milliseconds(float_instance.run_again()));
    quantized_times.push_back(milliseconds(quantized_instance.run_again()));
  }
  return summarize(float_times, quantized_times);
}

}  // namespace calib8
