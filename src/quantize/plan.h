#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "base/range.h"
#include "ops/tflite_op.h"
#include "quantize/round.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// Ranges of activations, by TensorId::index; nothing for tensors that were not observed.
using Ranges = std::vector<std::optional<Range>>;

/// What a tensor is in a quantized model; it decides how a constant's values are rounded.
enum class TensorRole {
  activation,  ///< int8, asymmetric; a constant operand of ADD or MUL too.
  weights,     ///< int8 in [-127, 127], symmetric.
  bias,        ///< int32.
};

/// What one tensor is to become.
struct TensorPlan {
  TensorRole role = TensorRole::activation;
  Quantization quantization;
  Correlation correlation = Correlation::none;  ///< Of what weights meet; decides how they are rounded.
  std::string_view
      because;  ///< The rule that decided: "own range", "same as its group", "fixed by LOGISTIC", ...
};

DType dtype_of(TensorRole role);

/// An input of an operator that must be requantized first, because the kernel demands another quantization
/// than the tensor has.
struct Requantization {
  OperatorId reader;
  std::size_t position = 0;
  Quantization quantization;
};

/// The decisions of a quantization, as data: nothing of the graph has changed yet. Tensors without an entry
/// stay as they are (shapes, indices, tensors of operators that stay in float).
struct Plan {
  std::vector<std::optional<TensorPlan>> tensors;  ///< By TensorId::index.
  std::vector<Requantization> requantizations;
  std::vector<OperatorId> float_operators;  ///< No int8 kernel, or a wrong one: these compute in float.
};

/// The tensors whose range calibration must observe: inputs of the graph and outputs of operators with a
/// range of their own.
std::vector<TensorId> tensors_to_observe(const TfliteGraph& graph);

/// Decides the quantization of every tensor of a float graph under the rows' rules: int8 activations, one
/// scale and zero point each; int8 weights per channel; int32 biases. `ranges` has an entry for each of
/// tensors_to_observe().
Plan make_plan(const TfliteGraph& graph, const Ranges& ranges);

/// The plan for people and tools: an array of tensors in execution order, with name, type, scale, zero point,
/// rule.
nlohmann::json to_json(const Plan& plan, const TfliteGraph& graph, const Ranges& ranges);

}  // namespace calib8
