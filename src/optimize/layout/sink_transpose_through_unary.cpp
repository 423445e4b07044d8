#include <type_traits>

#include "optimize/layout/passes.h"
#include "optimize/layout/permutation.h"
#include "optimize/rewrite.h"

//   x -> TRANSPOSE(p) -> RELU -> y      =>      x -> RELU -> TRANSPOSE(p) -> y
//
// for every operator that treats each element by itself.

namespace calib8 {
namespace {

template <class Op, class... Choices>
constexpr bool one_of = (std::is_same_v<Op, Choices> || ...);

bool is_elementwise_unary(const tflite::Options& options) {
  using namespace tflite;
  return std::visit(
      [](const auto& op) {
        using Op = std::decay_t<decltype(op)>;
        return one_of<Op, Logistic, Tanh, Relu, Relu6, HardSwish, Elu, Exp, Log, Sqrt, Rsqrt, Abs, Neg,
                      LeakyRelu, Gelu, Quantize, Dequantize>;
      },
      options);
}

bool is_quantized_per_axis(const TfliteTensor& tensor) {
  return tensor.quantization && tensor.quantization->scales.size() > 1;
}

}  // namespace

bool sink_transpose_through_unary(TfliteGraph& graph, OperatorId id) {
  if (!is_elementwise_unary(graph[id].options)) return false;
  const auto above = transpose_behind(graph, graph[id].inputs[0]);
  if (!above || graph[graph[id].outputs[0]].shape != graph[graph[id].inputs[0]].shape) return false;
  if (is_quantized_per_axis(graph[graph[id].inputs[0]]) || is_quantized_per_axis(graph[graph[id].outputs[0]]))
    return false;
  graph.set_input(id, 0, above->input);
  transpose_output_back(graph, id, 0, above->permutation);
  remove_if_unused(graph, above->id);
  return true;
}

}  // namespace calib8
