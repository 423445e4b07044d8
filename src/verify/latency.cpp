#include "verify/latency.h"

#include <algorithm>
#include <chrono>

#include "base/interrupt.h"

namespace calib8 {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

Latency measure_latency(const RunnableModel& float_model, const RunnableModel& quantized,
                        const Sample& sample, const std::shared_ptr<const LiteRt>& litert, double seconds) {
  constexpr std::size_t fewest_rounds = 3, most_rounds = 50;
  const InterpreterOptions options{.purpose = "timing"};
  ModelInstance float_instance(litert, float_model, options), quantized_instance(litert, quantized, options);
  float_instance.run(sample, 0);  // the first run of each touches its memory for the first time
  quantized_instance.run(sample, 0);

  std::vector<double> float_times, quantized_times;
  const auto start = Clock::now();
  const auto spent = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  while (float_times.size() < fewest_rounds || (spent() < seconds && float_times.size() < most_rounds)) {
    throw_if_interrupted();
    float_times.push_back(milliseconds(float_instance.run_again()));
    quantized_times.push_back(milliseconds(quantized_instance.run_again()));
  }
  const int rounds = static_cast<int>(float_times.size());
  return {median(std::move(float_times)), median(std::move(quantized_times)), rounds};
}

}  // namespace calib8
