#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/interrupt.h"
#include "base/parallel.h"
#include "run/edge_values.h"
#include "run/prefetch.h"
#include "runtime/interpreter.h"
#include "samples/sample.h"

namespace calib8 {

/// A written model that can be run: its file, and what its inputs and outputs stand for.
struct RunnableModel {
  SharedFile file;
  std::vector<EdgeType> inputs, outputs;
  std::size_t weight_bytes = 0;  ///< What each instance packs anew.
};

/// Elements of all outputs together.
std::int64_t output_elements(const TfliteGraph& graph);

/// `file` was written from `graph`, and gives out `outputs`, in this order.
RunnableModel runnable(const TfliteGraph& graph, SharedFile file, const std::vector<TensorId>& outputs);
/// The same with the graph's own outputs.
RunnableModel runnable(const TfliteGraph& graph, SharedFile file);

/// A model in LiteRT that takes float samples and gives float values, whatever its inputs and outputs are.
class ModelInstance {
 public:
  ModelInstance(std::shared_ptr<const LiteRt> litert, const RunnableModel& model, InterpreterOptions options);

  /// Sets the inputs from a sample and runs; the time of the run alone. `number` is the sample's, for errors.
  /// Fails with ErrorCode::dataset where the sample has no array for an input, or one of another type or
  /// shape; else as Interpreter says.
  std::chrono::nanoseconds run(const Sample& sample, std::size_t number);
  /// The model once more on the same inputs.
  std::chrono::nanoseconds run_again() { return interpreter_.run(); }

  std::size_t output_count() const { return output_types_.size(); }
  /// An output of the last run, copied.
  std::vector<float> output(std::size_t index) const;
  /// All of them, one behind the other.
  std::vector<float> all_outputs() const;
  /// An output's elements as they are, where they lie.
  std::span<const std::byte> raw_output(std::size_t index) const { return interpreter_.output(index); }
  /// A float32 output where it lies.
  std::span<const float> float_output(std::size_t index) const {
    return interpreter_.output_as<float>(index);
  }

 private:
  Interpreter interpreter_;
  std::vector<EdgeType> input_types_, output_types_;
};

/// Instances of one or several models, side by side as far as threads, memory and samples go; and the one
/// loop over samples that they are run in.
class ModelPool {
 public:
  struct Options {
    int threads = 1;
    std::size_t samples = 0;  ///< How many there will be: no more instances are made.
    std::string purpose;      ///< For errors: "calibrating".
  };
  /// One thread at a time uses a worker: an instance of each model.
  struct Worker {
    std::size_t number = 0;
    std::vector<ModelInstance> models;
  };

  /// Makes the instances, in parallel.
  ModelPool(const std::shared_ptr<const LiteRt>& litert, const std::vector<RunnableModel>& models,
            const Options& options);

  std::size_t size() const { return workers_.size(); }

  /// use(worker, index, load(index)) for each index in [0, count), begun in ascending order: in one worker
  /// after the other, while the next are loaded, or by all workers side by side.
  template <class T>
  void for_each(std::size_t count, const std::function<T(std::size_t)>& load,
                const std::function<void(Worker&, std::size_t, T)>& use) {
    if (size() > 1 || threads_ == 1) {
      parallel_for(count, static_cast<int>(size()), [&](int worker, std::size_t index) {
        use(workers_[static_cast<std::size_t>(worker)], index, load(index));
      });
      return;
    }
    Prefetch<T> loaded(count, load);
    for (std::size_t index = 0; index < count; ++index) {
      throw_if_interrupted();
      use(workers_.front(), index, loaded.take());
    }
  }

 private:
  int threads_;
  std::vector<Worker> workers_;
};

/// Counts what is done, from any thread, and reports each step.
class StepCounter {
 public:
  using Report = std::function<void(std::size_t done, std::size_t total)>;
  StepCounter(Report report, std::size_t total) : report_(std::move(report)), total_(total) {}
  void step() {
    if (!report_) return;
    const std::lock_guard lock(mutex_);
    report_(++done_, total_);
  }

 private:
  Report report_;
  std::size_t total_;
  std::size_t done_ = 0;
  std::mutex mutex_;
};

}  // namespace calib8
