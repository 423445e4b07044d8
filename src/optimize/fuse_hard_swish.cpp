#include <cmath>

#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> ADD 3 (relu6) -.
//                       MUL -> MUL 1/6 -> y      =>      x -> HARD_SWISH -> y
//   x ------------------/
//
// with the factors in any order, and also DIV by 6: one form, whichever of them the model came in.
// expand_hard_swish undoes it for int8, and always in the same way.

namespace calib8 {
namespace {

/// The factors of a tree of products whose inner results nobody else reads.
struct Product {
  double constant = 1;
  std::vector<TensorId> factors;
  bool is_plain = true;  ///< Nothing but uniform constants and tensors found.
};

void collect(const TfliteGraph& graph, OperatorId id, Product& product, int depth) {
  for (std::size_t side = 0; side < 2; ++side) {
    const TensorId operand = graph[id].inputs[side];
    if (graph.is_constant(operand)) {
      const auto value = uniform_value(graph, operand);
      const bool divides = graph[id].is<tflite::Div>();
      product.is_plain = product.is_plain && value && *value != 0 && (!divides || side == 1);
      if (product.is_plain) product.constant *= divides ? 1.0 / *value : *value;
      continue;
    }
    if (graph[id].is<tflite::Div>() && side == 1) product.is_plain = false;
    const OperatorId producer = graph.producer(operand);
    const bool is_inner = depth > 0 && producer.exists() && graph.has_single_use(operand) &&
                          (graph[producer].is<tflite::Mul>() || graph[producer].is<tflite::Div>()) &&
                          *fused_activation(graph[producer]) == tflite::Activation::none;
    if (is_inner) {
      collect(graph, producer, product, depth - 1);
    } else {
      product.factors.push_back(operand);
    }
  }
}

/// True where `tensor` is min(max(x + 3, 0), 6).
bool is_shifted_relu6(const TfliteGraph& graph, TensorId tensor, TensorId x) {
  const OperatorId id = graph.producer(tensor);
  if (!id.exists() || !graph[id].is<tflite::Add>()) return false;
  const TfliteOperator& add = graph[id];
  if (*fused_activation(add) != tflite::Activation::relu6) return false;
  return (add.inputs[0] == x && uniform_value(graph, add.inputs[1]) == 3.0f) ||
         (add.inputs[1] == x && uniform_value(graph, add.inputs[0]) == 3.0f);
}

}  // namespace

bool fuse_hard_swish(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::Mul>() && !graph[id].is<tflite::Div>()) return false;
  if (*fused_activation(graph[id]) != tflite::Activation::none) return false;
  Product product;
  collect(graph, id, product, 2);
  if (!product.is_plain || product.factors.size() != 2) return false;
  if (std::abs(product.constant * 6 - 1) > 1e-6) return false;  // float32's 1/6 is 3e-8 off.
  const TfliteTensor& result = graph[graph[id].outputs[0]];
  for (const auto& [x, gate] : {std::pair(product.factors[0], product.factors[1]),
                                std::pair(product.factors[1], product.factors[0])}) {
    if (!is_shifted_relu6(graph, gate, x) || graph[x].shape != result.shape) continue;
    replace_operator(graph, id, emit_before(graph, id, tflite::HardSwish{}, {x}, result.name, result.shape));
    return true;
  }
  return false;
}

}  // namespace calib8
