#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "run/model_pool.h"
#include "samples/sample.h"
#include "tasks/task.h"
#include "verify/fidelity.h"
#include "verify/statistics.h"
#include "write/constant_block.h"

namespace calib8 {

/// A model as a graph and as the file written from it.
struct WrittenModel {
  const TfliteGraph& graph;
  SharedFile file;
};

/// How far one tensor of the quantized model is from the float one's.
struct LayerError {
  std::string tensor;
  std::string op;  ///< The operator that writes it, "CONV_2D".
  double sqnr_decibels = 0;
};

/// Times of one run, one thread, both models in turn: of the quicker rounds, which other work on the machine
/// has disturbed least.
struct Latency {
  double float_milliseconds = 0;
  double quantized_milliseconds = 0;
  int rounds = 0;
  /// The float model's time over the quantized one's, round by round: the quartiles.
  double least_ratio = 0, most_ratio = 0;

  double ratio() const { return float_milliseconds / quantized_milliseconds; }
  /// Whether the rounds agree well enough for the ratio to mean something.
  bool is_reliable() const;
};

/// Whether both models choose the same class; only for models with one output [1, classes] that is no
/// embedding.
struct Agreement {
  int agreeing = 0;
  Interval interval;  ///< 95 %, Clopper and Pearson.
};

/// Correct answers, where the samples have labels and as many classes as the model has outputs.
struct Accuracy {
  int labelled = 0;
  int float_correct = 0;
  int quantized_correct = 0;
};

/// What was measured of a quantized model against the float one, on LiteRT.
struct Verification {
  int samples = 0;           ///< On which both models ran.
  double sqnr_decibels = 0;  ///< Of the worst output.
  std::vector<OutputFidelity> outputs;
  std::optional<Agreement> agreement;
  std::optional<Accuracy> accuracy;
  std::optional<TaskScore> task;         ///< Where the outputs are known to be for something else.
  std::vector<LayerError> worst_layers;  ///< Worst first.
  Latency latency;
};

/// After so many samples it is asked for the first time whether they are enough.
inline constexpr std::size_t kFirstLook = 20;

struct VerifyOptions {
  int threads = 1;
  std::size_t classes = 0;     ///< Class folders of the dataset; 0: labels mean nothing.
  bool classifies = true;      ///< Whether one output [1, classes] tells a class; else it is a tensor.
  const Task* task = nullptr;  ///< Of these samples: scores what the outputs are for.
  /// Whether what was measured is enough; without it all samples are run.
  std::function<bool(const Verification&)> is_enough;
  std::size_t layer_samples = 3;  ///< Samples on which every layer is compared.
  std::size_t most_worst_layers = 5;
  /// All outputs of the float model, one behind the other, for each sample, where they are known already;
  /// else it is run.
  std::vector<std::vector<float>> float_outputs;
  double latency_seconds = 0.15;  ///< Time spent on measuring latency, at most (but three rounds at least).
  StepCounter::Report progress;
};

/// Outputs of a classifier, [1, outputs]; 0 of any other model.
std::size_t classifier_outputs(const TfliteGraph& graph);

/// Runs both models on every sample. `calibrated` is the float graph that `quantized` was made from, so that
/// a TensorId means the same tensor in both: the layers are compared with it, everything else with
/// `float_model`,
/// which may differ from it in how it spells an operation; their constants lie in one block. `samples` is not
/// empty. Fails with ErrorCode::model where the float model gives NaN or infinity for a
/// sample, or LiteRT refuses a model.
Verification verify_model(const FloatModel& float_model, const WrittenModel& quantized,
                          const TfliteGraph& calibrated, const SampleSource& samples,
                          const std::shared_ptr<const LiteRt>& litert, const VerifyOptions& options);

}  // namespace calib8
