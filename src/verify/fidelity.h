#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tflite_graph/tflite_graph.h"
#include "verify/statistics.h"

namespace calib8 {

/// How well a quantized model's values follow the float model's.
struct Fidelity {
  /// Signal to quantization noise over all samples. The signal is what tells samples apart, the float model's
  /// values less their mean over the samples; with one sample, or where the float model's values differ by
  /// less than a thousandth of the largest, it is the values themselves.
  DecibelsEstimate sqnr;
  /// The quantized model gives the same for all samples, of several, and the float model doesn't.
  bool dead = false;
};

/// A tensor that is joined with others into an output.
struct PartFidelity {
  std::string tensor, op;  ///< Its name, and the operator that writes it: "LOGISTIC"; "" for an input.
  Fidelity fidelity;
};

struct OutputFidelity {
  std::string name;
  Fidelity fidelity;
  /// The mean over the samples of the cosine between both models' outputs, where the float model's are of
  /// length 1, and some values below zero: an embedding.
  std::optional<double> cosine;
  std::vector<PartFidelity> parts;  ///< Empty where nothing is joined.
};

/// Compares the outputs of both models: [sample][all outputs, one behind the other]. Float values are finite,
/// and there is a sample.
std::vector<OutputFidelity> measure_fidelity(const TfliteGraph& graph,
                                             std::span<const std::vector<float>> of_float,
                                             std::span<const std::vector<float>> of_quantized);

}  // namespace calib8
