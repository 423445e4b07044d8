#include "calibrate/sample_runner.h"

#include <algorithm>

#include "base/parallel.h"
#include "runtime/feed.h"
#include "runtime/instances.h"

namespace calib8 {

SampleRunner::SampleRunner(const std::shared_ptr<const LiteRt>& litert, const SharedFile& model,
                           std::size_t weight_bytes, int threads, std::size_t samples) {
  const Instances instances = share_threads(weight_bytes, threads, samples);
  threads_of_worker_ = instances.threads;
  for (int i = 0; i < instances.count; ++i)
    interpreters_.emplace_back(litert, model,
                               InterpreterOptions{.threads = instances.threads, .purpose = "calibrating"});
}

void SampleRunner::run(const SampleSource& samples, const std::vector<std::size_t>& chosen,
                       const Observe& observe) {
  const auto run_one = [&](int worker, std::size_t position, const Sample& sample) {
    Interpreter& interpreter = interpreters_[static_cast<std::size_t>(worker)];
    feed(interpreter, sample.inputs);
    interpreter.run(position);
    observe(worker, position, interpreter);
  };
  if (workers() > 1 || threads_of_worker_ == 1) {
    parallel_for(chosen.size(), workers(), [&](int worker, std::size_t position) {
      run_one(worker, position, samples.load(chosen[position]));
    });
    return;
  }
  const std::size_t batch = static_cast<std::size_t>(threads_of_worker_) * 4;
  for (std::size_t start = 0; start < chosen.size(); start += batch) {
    std::vector<Sample> loaded(std::min(batch, chosen.size() - start));
    parallel_for(loaded.size(), threads_of_worker_,
                 [&](int, std::size_t i) { loaded[i] = samples.load(chosen[start + i]); });
    parallel_for(loaded.size(), 1, [&](int, std::size_t i) { run_one(0, start + i, loaded[i]); });
  }
}

}  // namespace calib8
