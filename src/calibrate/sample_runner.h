#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "runtime/interpreter.h"
#include "samples/sample.h"

namespace calib8 {

/// Runs samples on one model and hands each result to an observer: several single-threaded instances side by
/// side, or for a large model one instance, while the next samples are loaded in parallel.
class SampleRunner {
 public:
  /// `weight_bytes` is what each instance packs anew.
  SampleRunner(const std::shared_ptr<const LiteRt>& litert, const SharedFile& model, std::size_t weight_bytes,
               int threads, std::size_t samples);

  int workers() const { return static_cast<int>(interpreters_.size()); }
  /// Threads that a worker may use for its own while it observes.
  int threads_of_worker() const { return threads_of_worker_; }

  /// observe(worker, position, interpreter) after each run; calls with one worker don't overlap.
  using Observe = std::function<void(int worker, std::size_t position, Interpreter& interpreter)>;
  void run(const SampleSource& samples, const std::vector<std::size_t>& chosen, const Observe& observe);

 private:
  int threads_of_worker_;
  std::vector<Interpreter> interpreters_;
};

}  // namespace calib8
