#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> SPLIT -> a, b, c, d, e      =>      x -> SLICE -> a,  x -> SLICE -> b, ...
//
// For more than the four parts that XNNPACK takes.

namespace calib8 {
namespace {

constexpr std::int32_t most_parts = 4;

}  // namespace

bool replace_split_with_slices(TfliteGraph& graph, OperatorId id) {
  const auto* split = graph[id].get_if<tflite::Split>();
  if (!split || split->num_splits <= most_parts) return false;
  const TensorId x = graph[id].inputs[1];
  const std::size_t rank = graph[x].shape.size();
  const auto axes = axes_of(graph, graph[id].inputs[0], rank);
  if (!axes || axes->size() != 1) return false;
  const std::size_t axis = axes->front();
  const std::vector<TensorId> outputs = graph[id].outputs;

  for (const TensorId output : outputs) {
    if (graph[output].shape.size() != rank) return false;
  }

  std::int64_t start = 0;
  for (const TensorId output : outputs) {
    const std::string name = graph[output].name;
    const Shape shape = graph[output].shape;
    Shape begin(rank, 0);
    begin[axis] = start;
    start += shape[axis];
    const TensorId begins = graph.add_constant(name + "/begin", to_int32(begin));
    const TensorId sizes = graph.add_constant(name + "/size", to_int32(shape));
    graph.replace_uses(output, emit_before(graph, id, tflite::Slice{}, {x, begins, sizes}, name, shape,
                                           graph[output].dtype));
  }
  graph.remove(id);
  return true;
}

}  // namespace calib8
