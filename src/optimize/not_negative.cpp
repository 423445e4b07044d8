#include "optimize/not_negative.h"

#include <algorithm>
#include <type_traits>

#include "optimize/rewrite.h"

namespace calib8 {
namespace {

/// Operators to look at; a RELU is rarely further away. Branches share the budget, so that a graph full of
/// them takes no longer.
constexpr int most_operators = 64;

enum class Effect { never_negative, keeps_sign, unknown };

Effect effect_of(const tflite::Options& options) {
  using namespace tflite;
  return std::visit(
      [](const auto& op) {
        using Op = std::decay_t<decltype(op)>;
        const auto is = []<class... Choices>(std::variant<Choices...>*) {
          return (std::is_same_v<Op, Choices> || ...);
        };
        if (is(static_cast<std::variant<Relu, Relu6, Logistic, Exp, Abs, Sqrt, Softmax>*>(nullptr)))
          return Effect::never_negative;
        using Movers = std::variant<MaxPool2D, AveragePool2D, Mean, Sum, ReduceMax, ReduceMin, Reshape,
                                    Transpose, Slice, StridedSlice, Pad, ResizeBilinear,
                                    ResizeNearestNeighbor, DepthToSpace, SpaceToDepth>;
        return is(static_cast<Movers*>(nullptr)) ? Effect::keeps_sign : Effect::unknown;
      },
      options);
}

bool is_not_negative(const TfliteGraph& graph, TensorId tensor, int& budget) {
  const OperatorId id = graph.producer(tensor);
  if (!id.exists() || budget-- <= 0) return false;
  const TfliteOperator& op = graph[id];
  if (const tflite::Activation* fused = fused_activation(op);
      fused && (*fused == tflite::Activation::relu || *fused == tflite::Activation::relu6))
    return true;
  if (op.is<tflite::Concatenation>() || op.is<tflite::Add>() || op.is<tflite::Maximum>()) {
    return std::all_of(op.inputs.begin(), op.inputs.end(),
                       [&](TensorId input) { return is_not_negative(graph, input, budget); });
  }
  const Effect effect = effect_of(op.options);
  return effect == Effect::never_negative ||
         (effect == Effect::keeps_sign && is_not_negative(graph, op.inputs[0], budget));
}

}  // namespace

bool is_not_negative(const TfliteGraph& graph, TensorId tensor) {
  int budget = most_operators;
  return is_not_negative(graph, tensor, budget);
}

}  // namespace calib8
