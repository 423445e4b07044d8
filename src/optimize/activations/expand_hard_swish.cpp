#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> HARD_SWISH -> y      =>      x -> ADD 3 (relu6) -> MUL 1/6 -> MUL x -> y
//
// XNNPACK has no int8 HARD_SWISH; of these three, which depend on x alone, it makes one table of 256 entries.

namespace calib8 {

bool expand_hard_swish(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::HardSwish>()) return false;
  const TensorId x = graph[id].inputs[0], result = graph[id].outputs[0];
  const std::string name = graph[result].name;
  const Shape shape = graph[result].shape;
  const TensorId three = graph.add_constant(name + "/three", make_tensor<float>({}, {3.0f}));
  const TensorId sixth = graph.add_constant(name + "/sixth", make_tensor<float>({}, {1.0f / 6.0f}));
  tflite::Add add;
  add.activation = tflite::Activation::relu6;
  const TensorId clipped = emit_before(graph, id, add, {x, three}, name + "/clipped", shape);
  const TensorId gate = emit_before(graph, id, tflite::Mul{}, {clipped, sixth}, name + "/gate", shape);
  graph[id].options = tflite::Mul{};
  graph.set_inputs_of(id, {x, gate});
  return true;
}

}  // namespace calib8
