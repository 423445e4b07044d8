#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// What an integer model should reach on the samples that candidates are compared on, so that it passes the
/// gate on others. Nothing: it isn't asked for.
struct AccuracyGoal {
  std::optional<double>
      min_agreement;               ///< Of a classifier: the share of samples with the float model's class.
  std::optional<double> min_sqnr;  ///< Of any other model: decibels of each output.
  bool classifies = true;          ///< Whether one output [1, classes] tells a class.
  /// Whether answers are kept, where they are known to be (boxes): then decibels don't matter. Outputs of the
  /// first samples that candidates are compared on, of the float model and of another.
  std::function<bool(std::span<const std::vector<float>> of_float,
                     std::span<const std::vector<float>> of_quantized)>
      keeps_answers = {};
};

/// Error of an output, or of a part that is joined into one: as a share of the signal's power.
struct Need {
  double noise = 0;
  double allowed = 0;
};

/// Where a model stands.
struct Standing {
  std::vector<Need> needs;  ///< Of the same things in the same order for every model of a graph.
  bool reached = true;
};

/// Compares outputs, [sample][all outputs, one behind the other], of which the float model's are finite. Of
/// an output as many decibels are asked as the goal says, and a standard error more, as other samples may
/// show less; of each of several parts that it is joined of, 10. A classifier misses its goal where even the
/// upper end of the 95 % interval of its agreement does, or where it is less than 10 dB above its error.
Standing compare_with_goal(const AccuracyGoal& goal, const TfliteGraph& graph,
                           std::span<const std::vector<float>> of_float,
                           std::span<const std::vector<float>> of_quantized);

/// The decibels of a share of power.
double to_decibels(double noise);

}  // namespace calib8
