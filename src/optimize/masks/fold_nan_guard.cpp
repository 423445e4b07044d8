#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x -> ADD(0 or -inf) -> SOFTMAX -> p;  SELECT_V2(NOT_EQUAL(p, p), c, p)
//     =>  SELECT_V2(where the whole row is -inf, c, p), or p where no row is
//
//   SELECT_V2(computed, -inf, x) -> SOFTMAX -> p;  SELECT_V2(NOT_EQUAL(p, p), c, p)
//     =>  SELECT_V2(where `computed` holds for the whole row, c, p)
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

constexpr float infinity = std::numeric_limits<float>::infinity();

/// Whether all of it is -infinity, or what bound_infinite_mask has made of that.
bool is_masking(const TfliteGraph& graph, TensorId operand) {
  const auto value = uniform_value(graph, operand);
  return value && *value <= std::numeric_limits<float>::lowest() / 2;
}

/// The SELECT_V2 that puts -infinity in place of scores of the SOFTMAX that makes `shares`, by a condition
/// that is computed for each of them; absent where none does.
OperatorId computed_mask_of(const TfliteGraph& graph, TensorId shares) {
  const OperatorId softmax = graph.producer(shares);
  if (!softmax.exists() || !graph[softmax].is<tflite::Softmax>()) return {};
  const TensorId scores = graph[softmax].inputs[0];
  const OperatorId select = graph.producer(scores);
  if (!select.exists() || !graph[select].is<tflite::SelectV2>()) return {};
  const Shape& condition = graph[graph[select].inputs[0]].shape;
  const bool is_mask =
      is_masking(graph, graph[select].inputs[1]) || is_masking(graph, graph[select].inputs[2]);
  const bool by_score = !condition.empty() && condition.back() == graph[scores].shape.back();
  return is_mask && by_score ? select : OperatorId{};
}

/// Whether the condition is the same throughout a row, [..., 1], and masks it; computed in front of `next`.
TensorId is_masked_throughout(TfliteGraph& graph, OperatorId next, OperatorId select) {
  const TensorId condition = graph[select].inputs[0];
  const bool masks_where_true = is_masking(graph, graph[select].inputs[1]);
  const Shape whole = graph[condition].shape;
  Shape rows = whole;
  rows.back() = 1;
  const std::string name = graph[condition].name;
  const TensorId numbers = emit_before(graph, next, tflite::Cast{}, {condition}, name + "/number", whole);
  const TensorId axis = graph.add_constant(name + "/axis", {static_cast<std::int32_t>(whole.size()) - 1});
  const TensorId half = graph.add_constant(name + "/half", make_tensor<float>(Shape(rows.size(), 1), {0.5f}));
  const auto answer = [&](auto reduce, auto compare) {
    reduce.keep_dims = true;
    const TensorId row = emit_before(graph, next, reduce, {numbers, axis}, name + "/row", rows);
    return emit_before(graph, next, compare, {row, half}, name + "/masked", rows, DType::boolean);
  };
  return masks_where_true ? answer(tflite::ReduceMin{}, tflite::Greater{})
                          : answer(tflite::ReduceMax{}, tflite::Less{});
}

}  // namespace

bool fold_nan_guard(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::SelectV2>()) return false;
  const TensorId shares = asked_for_nan(graph, graph[id].inputs[0]);
  if (!shares.exists() || graph[id].inputs[2] != shares) return false;
  if (const OperatorId select = computed_mask_of(graph, shares); select.exists()) {
    const OperatorId asks = graph.producer(graph[id].inputs[0]);
    graph.set_input(id, 0, is_masked_throughout(graph, id, select));
    remove_if_unused(graph, asks);
    return true;
  }
  const TensorId mask = mask_of(graph, shares);
  if (!mask.exists()) return false;
  const Tensor tensor = graph[mask].as_tensor();
  const auto elements = tensor.as<float>();
  const auto length = static_cast<std::size_t>(tensor.shape.back());
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
