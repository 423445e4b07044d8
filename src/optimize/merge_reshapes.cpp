#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> RESHAPE(a) -> RESHAPE(b) -> y      =>      x -> RESHAPE(b) -> y

namespace calib8 {

bool merge_reshapes(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::Reshape>()) return false;
  const OperatorId first = graph.producer(graph[id].inputs[0]);
  if (!first.exists() || !graph[first].is<tflite::Reshape>()) return false;
  graph.set_input(id, 0, graph[first].inputs[0]);
  remove_if_unused(graph, first);
  return true;
}

}  // namespace calib8
