#include "ops/softmax_readers.h"

#include <algorithm>

namespace calib8 {
namespace {

/// Readers that are looked through, one behind the other.
constexpr int most_reshapes = 8;

bool only_softmax_reads(const TfliteGraph& graph, TensorId tensor, int depth) {
  const auto& users = graph.users(tensor);
  if (users.empty() || graph.is_output(tensor) || depth > most_reshapes) return false;
  return std::ranges::all_of(users, [&](OperatorId user) {
    const TfliteOperator& op = graph[user];
    if (op.is<tflite::Softmax>()) return true;
    if (!op.is<tflite::Reshape>() || op.inputs[0] != tensor) return false;
    const Shape &from = graph[tensor].shape, &to = graph[op.outputs[0]].shape;
    return !from.empty() && !to.empty() && from.back() == to.back() &&
           only_softmax_reads(graph, op.outputs[0], depth + 1);
  });
}

}  // namespace

bool only_softmax_reads(const TfliteGraph& graph, TensorId tensor) {
  return only_softmax_reads(graph, tensor, 0);
}

}  // namespace calib8
