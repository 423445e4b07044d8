#pragma once

#include <concepts>
#include <tuple>
#include <utility>
#include <vector>

#include "run/model_pool.h"
#include "samples/sample.h"

namespace calib8 {

/// What looks at a model while samples run on it. It has asked an ObservationGraph for the outputs that it
/// wants, and knows their positions. Each worker has a copy of its own; merge() brings together what two
/// copies saw, and must not depend on how the samples were shared among them: whole numbers may be summed in
/// any order, floats may not.
template <class T>
concept Observer =
    std::copyable<T> && requires(T observer, T other, std::size_t sample, const ModelInstance& model) {
      observer.consume(sample, model);
      observer.merge(other);
    };

/// Several observers as one.
template <Observer... Parts>
class Observers {
 public:
  explicit Observers(Parts... parts) : parts_(std::move(parts)...) {}

  void consume(std::size_t sample, const ModelInstance& model) {
    std::apply([&](Parts&... part) { (part.consume(sample, model), ...); }, parts_);
  }
  void merge(const Observers& other) { merge(other, std::index_sequence_for<Parts...>{}); }
  template <class Part>
  Part& get() {
    return std::get<Part>(parts_);
  }

 private:
  template <std::size_t... Index>
  void merge(const Observers& other, std::index_sequence<Index...>) {
    (std::get<Index>(parts_).merge(std::get<Index>(other.parts_)), ...);
  }

  std::tuple<Parts...> parts_;
};

/// Runs the chosen samples on the pool's first model; what an observer that has seen nothing makes of all of
/// them.
template <Observer T>
T observe(ModelPool& pool, const SampleSource& samples, const std::vector<std::size_t>& chosen,
          const T& fresh, StepCounter& progress) {
  std::vector<T> seen(pool.size(), fresh);
  pool.for_each<Sample>(
      chosen.size(), [&](std::size_t position) { return samples.load(chosen[position]); },
      [&](ModelPool::Worker& worker, std::size_t position, const Sample& sample) {
        worker.models.front().run(sample, chosen[position]);
        seen[worker.number].consume(chosen[position], worker.models.front());
        progress.step();
      });
  T all = std::move(seen.front());
  for (std::size_t worker = 1; worker < seen.size(); ++worker) all.merge(seen[worker]);
  return all;
}

}  // namespace calib8
