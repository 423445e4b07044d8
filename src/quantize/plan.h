#pragma once

#include <compare>
#include <cstddef>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/range.h"
#include "ops/target.h"
#include "quantize/rounding/rounding.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// Ranges of activations, by TensorId::index; nothing for tensors that were not observed.
using Ranges = std::vector<std::optional<Range>>;

/// What a tensor is in a quantized model; it decides how a constant's values are rounded.
enum class TensorRole {
  activation,  ///< A constant operand of ADD or MUL too.
  weights,     ///< Symmetric, [-127, 127].
  bias,        ///< Scale = input scale * weight scale.
};

/// What one tensor is to become.
struct TensorPlan {
  TensorRole role = TensorRole::activation;
  DType dtype = DType::int8;  ///< int8, int16; int32 and int64 for biases; float32: it stays as it is.
  Quantization quantization;  ///< Empty for float32.
  Correlation correlation = Correlation::none;  ///< Of what weights meet; decides how they are rounded.
  /// Of what is converted for its reader: from the tensor's own integers to float and from there, as the two
  /// scales lie too far apart for one rescaling.
  bool by_way_of_float = false;
  std::string_view rule;  ///< What decided: "own range", "shared with its group", "fixed by the kernel", ...

  friend bool operator==(const TensorPlan&, const TensorPlan&) = default;
};

/// One input of one operator.
struct Operand {
  OperatorId reader;
  std::size_t position = 0;
  friend auto operator<=>(const Operand&, const Operand&) = default;
};

/// An operator that computes in float, and why.
struct FloatOperator {
  OperatorId id;
  std::string reason;
};

/// A CONCATENATION of values of very different size.
struct UnequalJoin {
  OperatorId id;
  double narrowest = 0, widest = 0;  ///< Widths of the ranges of its parts, each with zero in it.
};

/// The decisions of a quantization, as data: nothing of the graph has changed yet. Tensors without an entry
/// stay as they are (shapes, indices).
struct Plan {
  /// Activations, by TensorId::index. One that a float operator writes is so converted for those of its
  /// readers that compute in integers.
  std::vector<std::optional<TensorPlan>> tensors;
  /// What an operator reads at an input where that isn't what `tensors` says: constants, of which each reader
  /// gets a form of its own, and activations that are converted for it.
  std::map<Operand, TensorPlan> operands;
  std::vector<FloatOperator> float_operators;  ///< In execution order.
  /// On the way to outputs that are integers, where one scale leaves the smallest part few levels, or none.
  std::vector<UnequalJoin> squeezing_joins;
  /// Outputs that are given out in float32, whatever type the others have.
  std::set<TensorId> float_outputs;

  const TensorPlan& operand(OperatorId reader, std::size_t position) const {
    return operands.at({reader, position});
  }
};

/// What is free to choose about a quantization.
struct QuantizationChoices {
  DType activations = DType::int8;  ///< int8 or int16, for every operator that isn't named below.
  /// The type in which single operators compute: float32, int8 or int16. Where neighbours differ, the plan
  /// converts between them.
  std::map<OperatorId, DType> operators;
  /// Operators that compute in float, whatever `operators` says, each with its reason.
  std::map<OperatorId, std::string> float_operators = {};
  /// The model is given its inputs in float32: what only moves their elements to float operators is float too.
  bool has_float_inputs = false;
  /// The model gives all its outputs out in float32, or these: what it joins there may be joined in float.
  bool has_float_outputs = false;
  std::set<TensorId> float_outputs = {};
};

/// The tensors whose range calibration must observe: inputs of the graph and outputs of operators with a
/// range of their own.
std::vector<TensorId> tensors_to_observe(const TfliteGraph& graph, const TargetTraits& target);

/// Decides the quantization of every tensor of a float graph under the rows' rules for the target:
/// activations with one scale and zero point each, int8 weights per channel, biases on the scale of their
/// sums. `ranges` has an entry for each of tensors_to_observe(); whatever finite numbers these are, there is
/// a plan: what no scale can satisfy is converted for the operator that asks, or the operator stays in float
/// and its reason is in the plan.
Plan make_plan(const TfliteGraph& graph, const Ranges& ranges, const TargetTraits& target,
               const QuantizationChoices& choices = {});

/// The plan for people and tools: an array of tensors in execution order, with name, type, scale, zero point,
/// rule; what is converted for a reader; the operators that stay in float, each with its reason; and the
/// joins that squeeze their smallest part.
nlohmann::json to_json(const Plan& plan, const TfliteGraph& graph, const Ranges& ranges);

}  // namespace calib8
