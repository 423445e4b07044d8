#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "recover/quantized_model.h"

namespace calib8 {

/// One way that was tried, and how it came out.
struct Trial {
  Recipe recipe;
  double decibels = 0;  ///< NaN or -infinity: of no use.
};

/// Integer models of one float model that are compared on LiteRT, on samples that didn't calibrate where
/// there are any. The best is kept; what is broken, by whatever, measures worse and is dropped.
class Trials {
 public:
  /// Runs the float model on the samples. Fails with ErrorCode::model where LiteRT refuses it.
  Trials(const QuantizationTask& task, const SampleSource& samples, std::size_t count,
         std::function<void()> step);

  /// Measures a model; the first one tried is to be beaten by the others. True where it is the best so far,
  /// by more than `lead` decibels.
  bool add(const Recipe& recipe, QuantizedModel model, double lead = 0);

  /// Takes a model as the best that was measured already, whatever the others are.
  void prefer(const Recipe& recipe, double decibels, QuantizedModel model);

  const QuantizedModel& best() const { return *best_model_; }
  const Recipe& best_recipe() const { return trials_[best_].recipe; }
  QuantizedModel take_best() { return std::move(*best_model_); }
  std::size_t best_index() const { return best_; }
  const std::vector<Trial>& all() const { return trials_; }
  std::size_t sample_count() const { return count_; }

  /// What the float model gives for each sample: all outputs, one behind the other; and what a model gives
  /// for the first `count`.
  const std::vector<std::vector<float>>& of_float() const { return of_float_; }
  std::vector<std::vector<float>> outputs_of(const RunnableModel& model, std::size_t count) const;
  /// Of such outputs for all samples, as for the trials.
  double score(const std::vector<std::vector<float>>& outputs) const;

 private:
  const QuantizationTask& task_;
  const SampleSource& samples_;
  std::size_t count_;
  std::function<void()> step_;
  std::vector<std::vector<float>> of_float_;  ///< [sample][all outputs, one behind the other]
  std::vector<Trial> trials_;
  std::optional<QuantizedModel> best_model_;
  std::size_t best_ = 0;
};

/// How well outputs are kept: signal to noise of each output alone, less its mean over the samples (see
/// centred_sqnr_decibels()), the mean over outputs of those that vary. Each counts from -20 to 100 dB; NaN
/// where the measured values, or the float model's, are no numbers. `sizes` are the outputs' elements.
double score_outputs(const std::vector<std::vector<float>>& reference,
                     const std::vector<std::vector<float>>& measured, const std::vector<std::size_t>& sizes);

}  // namespace calib8
