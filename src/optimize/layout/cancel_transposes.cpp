#include "optimize/layout/passes.h"
#include "optimize/layout/permutation.h"
#include "optimize/rewrite.h"

//   x -> TRANSPOSE(p) -> TRANSPOSE(q) -> y      =>      x -> TRANSPOSE(q after p) -> y
//
// and nothing at all between x and y where q undoes p, or where a single p changes nothing.

namespace calib8 {
namespace {

/// `id` gives `input` as it is.
bool pass_on(TfliteGraph& graph, OperatorId id, TensorId input) {
  if (can_replace(graph, id, input)) {
    replace_operator(graph, id, input);
  } else {
    graph[id].options = tflite::Reshape{};  // a copy
    set_reshape(graph, id, input, graph[input].shape);
  }
  return true;
}

}  // namespace

bool cancel_transposes(TfliteGraph& graph, OperatorId id) {
  const auto second = as_transpose(graph, id);
  if (!second) return false;
  if (is_identity(second->permutation)) return pass_on(graph, id, second->input);
  const auto first = transpose_behind(graph, second->input);
  if (!first) return false;
  const Permutation both = then(first->permutation, second->permutation);
  if (is_identity(both)) {
    pass_on(graph, id, first->input);
    remove_if_unused(graph, first->id);
    return true;
  }
  const std::string name = graph[graph[id].outputs[0]].name + "/permutation";
  graph.set_inputs_of(id, {first->input, graph.add_constant(name, both)});
  remove_if_unused(graph, first->id);
  return true;
}

}  // namespace calib8
