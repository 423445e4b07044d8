#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "run/model_pool.h"
#include "samples/sample.h"
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

/// Median times of one run, one thread, both models in turn.
struct Latency {
  double float_milliseconds = 0;
  double quantized_milliseconds = 0;
  int rounds = 0;
};

/// Whether both models choose the same class; only for models with one output [1, classes].
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
  int samples = 0;
  double sqnr_decibels =
      0;  ///< Of all outputs, less the float model's mean of each element over the samples.
  std::optional<Agreement> agreement;
  std::optional<Accuracy> accuracy;
  /// Whether the quantized model gives the same for all samples, of several, and the float model doesn't.
  bool constant_outputs = false;
  std::vector<LayerError> worst_layers;  ///< Worst first.
  Latency latency;
};

struct VerifyOptions {
  int threads = 1;
  std::size_t classes = 0;        ///< Class folders of the dataset; 0: labels mean nothing.
  std::size_t layer_samples = 3;  ///< Samples on which every layer is compared.
  std::size_t most_worst_layers = 5;
  /// All outputs of the float model, one behind the other, for each sample, where they are known already;
  /// else it is run.
  std::vector<std::vector<float>> float_outputs;
  double latency_seconds = 0.2;  ///< Time spent on measuring latency, at most (but three rounds at least).
  StepCounter::Report progress;
};

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
