#pragma once

#include <map>
#include <memory>
#include <vector>

#include "quantize/apply.h"
#include "quantize/plan.h"
#include "recover/recipe.h"
#include "run/model_pool.h"
#include "samples/sample.h"
#include "write/constant_block.h"

namespace calib8 {

/// What an integer model is made from.
struct QuantizationTask {
  FloatModel model;        ///< As it was calibrated.
  const Ranges& ranges;    ///< By the calibration method that was asked for.
  const Ranges& extremes;  ///< All that calibration saw.
  const TargetTraits& target;
  QuantizationChoices choices;
  ModelIo io = ModelIo::int8;
  const SampleSource& calibration;
  std::shared_ptr<const LiteRt> litert;
  int threads = 1;

  const Ranges& ranges_of(CalibrationMethod method) const {
    return method == CalibrationMethod::minmax ? extremes : ranges;
  }
};

struct QuantizedModel {
  Plan plan;
  TfliteGraph graph;  ///< TensorIds and OperatorIds of the float graph mean the same here.
  Data file;

  RunnableModel runnable() const;
};

struct Correction;

/// What was found out about a quantized model, and is taken account of in the next one.
struct Findings {
  const InputsOfLayers* inputs = nullptr;  ///< What layers met.
  RoundedWeights* known = nullptr;         ///< Weights that were rounded by the same recipe and inputs.
  const std::map<OperatorId, Correction>* corrections = nullptr;
};

/// Plans, rounds and writes.
QuantizedModel make_quantized(const QuantizationTask& task, const Recipe& recipe,
                              const Findings& findings = {});

/// Runs the model on calibration samples in int8 and gathers what its layers meet: all of them, or `only`.
/// `model` is the plain one; where its activations are int16, another is made, since LiteRT has no fast
/// kernels for these, and what layers meet is the same.
InputsOfLayers observe_inputs(const QuantizationTask& task, const QuantizedModel& model, Effort effort,
                              const std::vector<OperatorId>& only = {});

}  // namespace calib8
