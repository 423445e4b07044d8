#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> CONV_2D -> RELU -> y      =>      x -> CONV_2D(relu) -> y
//
// RELU and RELU6, into every operator that fuses one (never CONCATENATION, whose activation XNNPACK ignores,
// nor a pool). A RELU behind a fused RELU6 just goes.

namespace calib8 {
namespace {

using tflite::Activation;

Activation activation_of(const TfliteOperator& op) {
  if (op.is<tflite::Relu>()) return Activation::relu;
  if (op.is<tflite::Relu6>()) return Activation::relu6;
  return Activation::none;
}

}  // namespace

bool fuse_activation(TfliteGraph& graph, OperatorId id) {
  const Activation behind = activation_of(graph[id]);
  if (behind == Activation::none) return false;
  const TensorId between = graph[id].inputs[0], result = graph[id].outputs[0];
  const OperatorId producer = graph.producer(between);
  if (!producer.exists() || !graph.has_single_use(between)) return false;
  Activation* fused = fused_activation(graph[producer]);
  if (!fused || *fused == Activation::relu_n1_to_1) return false;
  const bool is_six = *fused == Activation::relu6 || behind == Activation::relu6;
  *fused = is_six ? Activation::relu6 : Activation::relu;
  graph.remove(id);
  graph.set_output(producer, 0, result);
  return true;
}

}  // namespace calib8
