#include "verify/latency.h"

#include <algorithm>
#include <chrono>

#include "base/interrupt.h"
#include "verify/real_values.h"

namespace calib8 {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_of_run(RealModel& model) {
  return std::chrono::duration<double, std::milli>(model.run()).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

Latency measure_latency(const WrittenModel& real, const WrittenModel& quantized, const Sample& sample,
                        const std::shared_ptr<const LiteRt>& litert, double seconds) {
  constexpr std::size_t fewest_rounds = 3, most_rounds = 50;
  const InterpreterOptions options{.purpose = "timing"};
  RealModel real_model(litert, real.file, real.graph, real.graph.outputs(), options);
  RealModel quantized_model(litert, quantized.file, quantized.graph, quantized.graph.outputs(), options);
  real_model.load(sample);
  quantized_model.load(sample);
  real_model.run();  // the first run of each touches its memory for the first time
  quantized_model.run();

  std::vector<double> real_times, quantized_times;
  const auto start = Clock::now();
  const auto spent = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  while (real_times.size() < fewest_rounds || (spent() < seconds && real_times.size() < most_rounds)) {
    throw_if_interrupted();
    real_times.push_back(milliseconds_of_run(real_model));
    quantized_times.push_back(milliseconds_of_run(quantized_model));
  }
  const int rounds = static_cast<int>(real_times.size());
  return {median(std::move(real_times)), median(std::move(quantized_times)), rounds};
}

}  // namespace calib8
