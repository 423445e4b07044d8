#pragma once

#include <map>
#include <string>
#include <vector>

#include "ops/tflite_op.h"
#include "quantize/plan.h"

namespace calib8 {

/// True for tensors that hold real numbers computed at run time.
bool is_activation(const TfliteGraph& graph, TensorId tensor);

/// The rule of each operator, and the type in which it computes.
class OperatorTypes {
 public:
  /// As far as rows, target and choices say it. Operators that only move bytes among float ones are float
  /// too.
  OperatorTypes(const TfliteGraph& graph, const TargetTraits& target, const QuantizationChoices& choices);

  const QuantizationRule& rule(OperatorId id) const { return rules_[id.index]; }
  /// float32, int8 or int16.
  DType type(OperatorId id) const { return types_[id.index]; }
  bool is_float(OperatorId id) const { return types_[id.index] == DType::float32; }
  /// The type of the tensor's quantized form: its producer's; the chosen one where that is in float, or the
  /// tensor comes from outside.
  DType type(TensorId tensor) const;

  /// The operator computes in float after all.
  void keep_float(OperatorId id, std::string reason);
  /// Operators that only move bytes from float ones (or inputs in float) to float ones, or out of the model,
  /// compute in float too.
  void keep_movers_among_float_operators();
  /// In execution order.
  std::vector<FloatOperator> float_operators() const;

 private:
  void decide(OperatorId id, const TargetTraits& target, const QuantizationChoices& choices);
  void keep_normalizations();
  void keep_functions();

  const TfliteGraph& graph_;
  DType chosen_;
  bool has_float_inputs_;
  std::vector<OperatorId> order_;
  std::vector<QuantizationRule> rules_;  ///< By OperatorId::index, as types_.
  std::vector<DType> types_;
  std::map<OperatorId, std::string> reasons_;  ///< Of operators in float, but for bridges between types.
};

}  // namespace calib8
