#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> [SUB of a number for each row] -> EXP -> e -> SUM(last axis) -> [RESHAPE] -.
//                                          e ------------------------------------- DIV -> y   =>   x ->
//                                          SOFTMAX -> y
//
// JAX and TensorFlow write it so, with the row's maximum as the number. It cancels, whatever it is.

namespace calib8 {
namespace {

constexpr int most_reshapes = 4;

OperatorId producer_behind_reshapes(const TfliteGraph& graph, TensorId tensor) {
  OperatorId id = graph.producer(tensor);
  for (int i = 0; i < most_reshapes && id.exists() && graph[id].is<tflite::Reshape>(); ++i)
    id = graph.producer(graph[id].inputs[0]);
  return id;
}

/// A shape with 1 in place of its last dimension.
Shape rows_of(Shape shape) {
  shape.back() = 1;
  return shape;
}

/// True where `sums` holds the sum of each row of `elements`, with the row's dimension kept.
bool sums_rows(const TfliteGraph& graph, TensorId sums, TensorId elements) {
  const Shape& shape = graph[elements].shape;
  const OperatorId sum = producer_behind_reshapes(graph, sums);
  if (!sum.exists() || !graph[sum].is<tflite::Sum>() || graph[sum].inputs[0] != elements) return false;
  const auto axes = axes_of(graph, graph[sum].inputs[1], shape.size());
  return axes && axes->size() == 1 && axes->front() + 1 == shape.size() &&
         graph[sums].shape == rows_of(shape);
}

/// What a number for each row is subtracted from, or the tensor itself.
TensorId before_shift(const TfliteGraph& graph, TensorId tensor) {
  const OperatorId id = graph.producer(tensor);
  if (!id.exists()) return tensor;
  const auto* shift = graph[id].get_if<tflite::Sub>();
  if (!shift || shift->activation != tflite::Activation::none) return tensor;
  const TensorId x = graph[id].inputs[0], number = graph[id].inputs[1];
  const Shape& shape = graph[tensor].shape;
  if (graph[x].shape != shape || graph[number].shape != rows_of(shape)) return tensor;
  return x;
}

}  // namespace

bool fuse_softmax(TfliteGraph& graph, OperatorId id) {
  const auto* quotient = graph[id].get_if<tflite::Div>();
  if (!quotient || quotient->activation != tflite::Activation::none) return false;
  const TensorId shares = graph[id].inputs[0], sums = graph[id].inputs[1], output = graph[id].outputs[0];
  const OperatorId power = graph.producer(shares);
  constexpr std::size_t least_rank = 2, most_rank = 4;  // of the kernels
  const std::size_t rank = graph[shares].shape.size();
  if (!power.exists() || !graph[power].is<tflite::Exp>() || rank < least_rank || rank > most_rank ||
      graph[output].shape != graph[shares].shape || !sums_rows(graph, sums, shares))
    return false;
  const TensorId x = before_shift(graph, graph[power].inputs[0]);
  replace_operator(graph, id,
                   emit_before(graph, id, tflite::Softmax{}, {x}, graph[output].name, graph[output].shape));
  return true;
}

}  // namespace calib8
