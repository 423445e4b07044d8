#include <algorithm>

#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   CONCATENATION(a, b, c, d, e, f) -> y      =>      CONCATENATION(CONCATENATION(a, b, c, d, e), f) -> y
//
// XNNPACK takes at most five parts. All parts share the result's quantization anyway, so nesting costs no
// accuracy.

namespace calib8 {
namespace {

constexpr std::size_t most_parts = 5;

}  // namespace

bool nest_concatenation(TfliteGraph& graph, OperatorId id) {
  const auto* found = graph[id].get_if<tflite::Concatenation>();
  if (!found || graph[id].inputs.size() <= most_parts) return false;
  const tflite::Concatenation options = *found;
  std::vector<TensorId> parts = graph[id].inputs;
  const TensorId result = graph[id].outputs[0];
  const std::size_t rank = graph[result].shape.size();
  const auto axis = normalized_axis(options.axis, rank);
  const auto has_rank = [&](TensorId part) { return graph[part].shape.size() == rank; };
  if (!axis || !std::all_of(parts.begin(), parts.end(), has_rank)) return false;

  std::vector<TensorId> nested;
  for (std::size_t start = 0; start < parts.size(); start += most_parts) {
    const std::size_t end = std::min(start + most_parts, parts.size());
    if (end - start == 1) {
      nested.push_back(parts[start]);
      continue;
    }
    Shape shape = graph[result].shape;
    shape[*axis] = 0;
    for (std::size_t i = start; i < end; ++i) shape[*axis] += graph[parts[i]].shape[*axis];
    tflite::Concatenation inner;
    inner.axis = options.axis;
    nested.push_back(emit_before(graph, id, inner,
                                 {parts.begin() + static_cast<std::ptrdiff_t>(start),
                                  parts.begin() + static_cast<std::ptrdiff_t>(end)},
                                 graph[result].name + "/part", shape, graph[result].dtype));
  }
  graph.set_inputs_of(id, nested);
  return true;
}

}  // namespace calib8
