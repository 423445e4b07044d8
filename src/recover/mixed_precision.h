#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "recover/accuracy_goal.h"
#include "recover/trials.h"

namespace calib8 {

/// Operators that follow each other and compute in float because they harm in integers.
struct FloatIsland {
  std::vector<OperatorId> operators;  ///< In execution order.
  /// What the output that suffers most is above its error while these alone compute in integers: decibels.
  double decibels_alone = 0;
};

/// What was given up of integers so that a goal is reached.
struct MixedPrecision {
  std::vector<FloatIsland> islands;
  std::set<TensorId> outputs;  ///< Given out in float, as a join or the rounding of the output itself harms.
  double before = 0, after = 0;      ///< Decibels, as Trial::decibels.
  bool reached = false;              ///< The goal.
  std::size_t trials = 0;            ///< Models that were run to find out.
  double multiplications_share = 0;  ///< Of the model's multiplications, those that are in float now.
};

struct MixingLimits {
  bool may_change_outputs = false;  ///< Outputs may be given out in float.
  std::size_t probes = 24;          ///< Models that measure what harms,
  std::size_t confirmations = 8;    ///< and models that would be the result, at most.
};

/// How a choice is made a model. The float operators and outputs are those of the choices.
using MakeModel = std::function<QuantizedModel(const QuantizationChoices& choices)>;

struct MixedModel {
  MixedPrecision mixed;
  QuantizationChoices choices;
  QuantizedModel model;
};

/// Looks for the operators that cost least and make a model reach the goal when they compute in float, and
/// for outputs that have to be given out in float. Estimates what each stretch of the graph harms by running
/// it alone in integers (LayerSearch), and confirms what follows from it by running the model. Nothing where
/// nothing helps, or nothing is needed. Depends on what is measured on the outputs alone, never on times.
std::optional<MixedModel> mix_precision(const QuantizationTask& task, const Trials& trials,
                                        const AccuracyGoal& goal, const QuantizedModel& integers,
                                        const MixingLimits& limits, const MakeModel& make);

}  // namespace calib8
