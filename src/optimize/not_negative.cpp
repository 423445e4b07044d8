#include "optimize/not_negative.h"

#include <algorithm>

#include "ops/tflite_op.h"
#include "optimize/rewrite.h"

namespace calib8 {
namespace {

/// Operators to look at; a RELU is rarely further away. Branches share the budget, so that a graph full of
/// them takes no longer.
constexpr int most_operators = 64;

bool is_not_negative(const TfliteGraph& graph, TensorId tensor, int& budget) {
  const OperatorId id = graph.producer(tensor);
  if (!id.exists() || budget-- <= 0) return false;
  const TfliteOperator& op = graph[id];
  if (const tflite::Activation* fused = fused_activation(op);
      fused && (*fused == tflite::Activation::relu || *fused == tflite::Activation::relu6))
    return true;
  switch (tflite_op(op.options).sign) {
    case SignEffect::never_negative:
      return true;
    case SignEffect::keeps:
      return is_not_negative(graph, op.inputs[0], budget);
    case SignEffect::keeps_of_all:
      return std::all_of(op.inputs.begin(), op.inputs.end(),
                         [&](TensorId input) { return is_not_negative(graph, input, budget); });
    case SignEffect::any:
      break;
  }
  return false;
}

}  // namespace

bool is_not_negative(const TfliteGraph& graph, TensorId tensor) {
  int budget = most_operators;
  return is_not_negative(graph, tensor, budget);
}

}  // namespace calib8
