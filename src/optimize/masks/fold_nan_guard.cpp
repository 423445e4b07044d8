#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> ADD(0 or -inf) -> SOFTMAX -> p;  SELECT_V2(NOT_EQUAL(p, p), c, p)
//     =>  SELECT_V2(where the whole row is -inf, c, p), or p where no row is
//
// A SOFTMAX of finite scores is no number where all of its row is masked, and nowhere else. That is known
// from the mask, and must be, as bounded masks leave no trace of it.

namespace calib8 {
namespace {

/// The one tensor that both operands of the NOT_EQUAL in front of a condition are; absent where it is no such
/// one.
TensorId asked_for_nan(const TfliteGraph& graph, TensorId condition) {
  const OperatorId asks = graph.producer(condition);
  if (!asks.exists() || !graph[asks].is<tflite::NotEqual>()) return {};
  return graph[asks].inputs[0] == graph[asks].inputs[1] ? graph[asks].inputs[0] : TensorId{};
}

/// The constant that is added to the scores of the SOFTMAX that makes `shares`; absent where none is.
TensorId mask_of(const TfliteGraph& graph, TensorId shares) {
  const OperatorId softmax = graph.producer(shares);
  if (!softmax.exists() || !graph[softmax].is<tflite::Softmax>()) return {};
  const OperatorId sum = graph.producer(graph[softmax].inputs[0]);
  if (!sum.exists() || !graph[sum].is<tflite::Add>()) return {};
  for (const TensorId mask : graph[sum].inputs) {
    if (graph.is_constant(mask) && graph[mask].dtype == DType::float32 && !graph[mask].shape.empty())
      return mask;
  }
  return {};
}

}  // namespace

bool fold_nan_guard(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::SelectV2>()) return false;
  const TensorId shares = asked_for_nan(graph, graph[id].inputs[0]);
  const TensorId mask = shares.exists() ? mask_of(graph, shares) : TensorId{};
  if (!mask.exists() || graph[id].inputs[2] != shares) return false;
  const Tensor tensor = graph[mask].as_tensor();
  const auto elements = tensor.as<float>();
  const auto length = static_cast<std::size_t>(tensor.shape.back());
  constexpr float infinity = std::numeric_limits<float>::infinity();
  std::vector<std::uint8_t> is_masked;
  for (std::size_t row = 0; row + length <= elements.size(); row += length) {
    const auto of_row = elements.subspan(row, length);
    is_masked.push_back(std::ranges::all_of(of_row, [](float value) { return value == -infinity; }) ? 1 : 0);
  }
  if (std::ranges::count(is_masked, 1) == 0) {
    replace_operator(graph, id, shares);
    return true;
  }
  Shape rows = tensor.shape;
  rows.back() = 1;
  rows.insert(rows.begin(), graph[shares].shape.size() - rows.size(), 1);
  graph.set_input(id, 0,
                  graph.add_constant(graph[mask].name + "/rows",
                                     Tensor{DType::boolean, rows, Data::from_vector(std::move(is_masked))}));
  return true;
}

}  // namespace calib8
