#include <algorithm>

#include "pattern/term.h"

namespace calib8 {
namespace {

using TfliteTerm = Term<TensorId>;

TfliteTerm clip_of(tflite::Activation activation, Expression<TensorId> operand) {
  TfliteTerm term{PatternKind::clip, {operand}};
  term.lowest = activation == tflite::Activation::relu_n1_to_1 ? -1 : 0;
  if (activation == tflite::Activation::relu6) term.highest = 6;
  if (activation == tflite::Activation::relu_n1_to_1) term.highest = 1;
  return term;
}

}  // namespace

std::optional<double> number_of(const TfliteGraph& graph, TensorId value) {
  const TfliteTensor& tensor = graph[value];
  if (!tensor.is_constant() || tensor.dtype != DType::float32) return std::nullopt;
  const Tensor constant = tensor.as_tensor();
  const auto elements = constant.as<float>();
  if (elements.empty()) return std::nullopt;
  const bool is_uniform =
      std::all_of(elements.begin(), elements.end(), [&](float element) { return element == elements[0]; });
  return is_uniform ? std::optional<double>(elements[0]) : std::nullopt;
}

TfliteTerm term_of(const TfliteGraph& graph, Expression<TensorId> expression) {
  const OperatorId id = graph.producer(expression.value);
  if (!id.exists()) return {};
  const TfliteOperator& op = graph[id];
  const tflite::Activation* activation = fused_activation(op);
  if (activation && *activation != tflite::Activation::none && !expression.before_activation) {
    return clip_of(*activation, {expression.value, true});
  }
  if (op.is<tflite::Add>()) return {PatternKind::sum, {{op.inputs[0]}, {op.inputs[1]}}};
  if (op.is<tflite::Mul>() || op.is<tflite::Div>()) {
    return {PatternKind::product, {{op.inputs[0]}, {op.inputs[1]}}, op.is<tflite::Div>()};
  }
  if (op.is<tflite::Relu>()) return clip_of(tflite::Activation::relu, {op.inputs[0]});
  if (op.is<tflite::Relu6>()) return clip_of(tflite::Activation::relu6, {op.inputs[0]});
  return {};
}

}  // namespace calib8
