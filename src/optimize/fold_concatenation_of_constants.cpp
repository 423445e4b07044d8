#include <algorithm>
#include <cstring>

#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   CONCATENATION(constant, constant) -> y      =>      y: constant
//
// Many parts are joined in groups, and a group may hold constants alone. LiteRT computes such a one when it
// loads the model, and then can't give it out.

namespace calib8 {

bool fold_concatenation_of_constants(TfliteGraph& graph, OperatorId id) {
  const auto* op = graph[id].get_if<tflite::Concatenation>();
  if (!op) return false;
  const std::vector<TensorId> parts = graph[id].inputs;
  const TensorId output = graph[id].outputs[0];
  const Shape shape = graph[output].shape;
  const auto axis = normalized_axis(op->axis, shape.size());
  const bool is_constant = std::all_of(parts.begin(), parts.end(), [&](TensorId part) {
    return graph.is_constant(part) && graph[part].dtype == graph[output].dtype && !graph[part].quantization;
  });
  if (!is_constant || parts.empty() || !axis || graph.is_output(output)) return false;
  const auto outer = static_cast<std::size_t>(element_count(std::span(shape).first(*axis)).value());
  std::vector<std::byte> bytes;
  for (std::size_t row = 0; row < outer; ++row) {
    for (const TensorId part : parts) {
      const ByteView all = graph[part].constant->bytes();
      const std::size_t size = all.size() / outer;
      bytes.insert(bytes.end(), all.begin() + static_cast<std::ptrdiff_t>(row * size),
                   all.begin() + static_cast<std::ptrdiff_t>((row + 1) * size));
    }
  }
  const TensorId joined = graph.add_constant(
      graph[output].name, Tensor{graph[output].dtype, shape, Data::from_vector(std::move(bytes))});
  replace_operator(graph, id, joined);
  return true;
}

}  // namespace calib8
