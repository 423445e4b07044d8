#include <cstring>

#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/formula.h"
#include "ops/infer.h"
#include "ops/logic/compare_rows.h"
#include "ops/strided.h"

namespace calib8 {
namespace {

// Comparisons, logic and Where. In shape arithmetic they are folded. Their TFLite half is compare_tflite.cpp.

std::vector<OnnxType> infer_compare(const NodeView& view) {
  const OnnxType &a = view.input_type(0), &b = view.input_type(1);
  if (a.dtype != b.dtype) view.fail("its inputs have different types");
  if (!a.has_rank() || !b.has_rank()) return {{DType::boolean, std::nullopt}};
  return {{DType::boolean, broadcast(view, *a.shape, *b.shape)}};
}

std::vector<OnnxType> infer_not(const NodeView& view) {
  return {{DType::boolean, view.input_type(0).shape}};
}

std::vector<OnnxType> infer_where(const NodeView& view) {
  const OnnxType &condition = view.input_type(0), &a = view.input_type(1), &b = view.input_type(2);
  if (condition.dtype != DType::boolean) view.fail("its condition is not boolean");
  if (a.dtype != b.dtype) view.fail("its inputs have different types");
  if (!condition.has_rank() || !a.has_rank() || !b.has_rank()) return {{a.dtype, std::nullopt}};
  return {{a.dtype, broadcast(view, broadcast(view, *condition.shape, *a.shape), *b.shape)}};
}

/// [condition, then..., else...]: an output has what both branches give it.
std::vector<OnnxType> infer_if(const NodeView& view) {
  const std::size_t count = view.node.outputs.size();
  if (view.node.inputs.size() != 1 + 2 * count) view.fail("its branches give another number of outputs");
  std::vector<OnnxType> types;
  for (std::size_t i = 0; i < count; ++i) {
    const OnnxType &a = view.input_type(1 + i), &b = view.input_type(1 + count + i);
    if (a.dtype != b.dtype) view.fail("its branches give different types");
    types.push_back(a == b ? a : OnnxType{a.dtype, std::nullopt});
  }
  return types;
}

Tensor boolean_tensor(Shape shape, std::vector<std::uint8_t> values) {
  return {DType::boolean, std::move(shape), Data::from_vector(std::move(values))};
}

template <class T, class Holds>
Tensor compare_pairs(const Tensor& a, const Tensor& b, const Shape& shape, Holds holds) {
  std::vector<std::uint8_t> values(static_cast<std::size_t>(element_count(shape).value()));
  const auto x = a.as<T>(), y = b.as<T>();
  for_each_pair(shape, broadcast_strides(a.shape, shape), broadcast_strides(b.shape, shape),
                [&](std::int64_t i, std::int64_t at, std::int64_t bt) {
                  values[static_cast<std::size_t>(i)] =
                      holds(x[static_cast<std::size_t>(at)], y[static_cast<std::size_t>(bt)]) ? 1 : 0;
                });
  return boolean_tensor(shape, std::move(values));
}

template <class Holds>
std::vector<Tensor> fold_compare(const NodeView& view, Holds holds) {
  const Tensor *a = view.constant(0), *b = view.constant(1);
  if (!a || !b) return {};
  const Shape shape = infer_compare(view)[0].static_shape();
  if (!is_foldable_size(shape, DType::boolean)) return {};
  switch (a->dtype) {
    case DType::float32:
      return {compare_pairs<float>(*a, *b, shape, holds)};
    case DType::int32:
      return {compare_pairs<std::int32_t>(*a, *b, shape, holds)};
    case DType::int64:
      return {compare_pairs<std::int64_t>(*a, *b, shape, holds)};
    case DType::boolean:
      return {compare_pairs<bool>(*a, *b, shape, holds)};
    default:
      return {};
  }
}

std::vector<Tensor> fold_equal(const NodeView& view) {
  return fold_compare(view, [](auto a, auto b) { return a == b; });
}
std::vector<Tensor> fold_less(const NodeView& view) {
  return fold_compare(view, [](auto a, auto b) { return a < b; });
}
std::vector<Tensor> fold_less_or_equal(const NodeView& view) {
  return fold_compare(view, [](auto a, auto b) { return a <= b; });
}
std::vector<Tensor> fold_greater(const NodeView& view) {
  return fold_compare(view, [](auto a, auto b) { return a > b; });
}
std::vector<Tensor> fold_greater_or_equal(const NodeView& view) {
  return fold_compare(view, [](auto a, auto b) { return a >= b; });
}
std::vector<Tensor> fold_and(const NodeView& view) {
  return fold_compare(view, [](auto a, auto b) { return a && b; });
}
std::vector<Tensor> fold_or(const NodeView& view) {
  return fold_compare(view, [](auto a, auto b) { return a || b; });
}

std::vector<Tensor> fold_xor(const NodeView& view) {
  return fold_compare(view, [](auto a, auto b) { return a != b; });
}

std::vector<Tensor> fold_not(const NodeView& view) {
  const Tensor* tensor = view.constant(0);
  if (!tensor || tensor->dtype != DType::boolean) return {};
  std::vector<std::uint8_t> values;
  for (const bool value : tensor->as<bool>()) values.push_back(value ? 0 : 1);
  return {boolean_tensor(tensor->shape, std::move(values))};
}

std::vector<Tensor> fold_where(const NodeView& view) {
  const Tensor *condition = view.constant(0), *a = view.constant(1), *b = view.constant(2);
  if (!condition || !a || !b) return {};
  const OnnxType type = infer_where(view)[0];
  const Shape shape = type.static_shape();
  if (!is_foldable_size(shape, type.dtype)) return {};
  const Tensor chosen = broadcast_to(*condition, shape), whole_a = broadcast_to(*a, shape);
  Tensor whole_b = broadcast_to(*b, shape);
  const std::size_t element_size = size_of(type.dtype);
  const ByteView rest = whole_b.data.bytes();
  std::vector<std::byte> bytes(rest.begin(), rest.end());
  std::size_t at = 0;
  for (const bool value : chosen.as<bool>()) {
    if (value) std::memcpy(bytes.data() + at, whole_a.data.bytes().data() + at, element_size);
    at += element_size;
  }
  return {{type.dtype, shape, Data::from_vector(std::move(bytes))}};
}

/// SELECT_V2 broadcasts five dimensions: beyond, operands get their full size first.
constexpr std::size_t most_broadcast = 5;

/// LiteRT compares narrow integers as levels with a scale alone; whole numbers are widened first.
TensorId comparable(Lowering& lowering, Formula& f, std::size_t position) {
  const TensorId x = f.input(position);
  const DType dtype = lowering.target[x].dtype;
  const bool is_narrow = dtype == DType::int8 || dtype == DType::uint8 || dtype == DType::int16;
  return is_narrow ? f.cast(x, DType::int32) : x;
}

template <class Op>
Refusal lower_comparison(Lowering& lowering) {
  if (Refusal refusal = refuse_unmovable(lowering)) return refusal;
  Formula f(lowering);
  const TensorId a = comparable(lowering, f, 0), b = comparable(lowering, f, 1);
  f.result(f.compare<Op>(a, b));
  return std::nullopt;
}

Refusal lower_not(Lowering& lowering) {
  Formula f(lowering);
  f.result(f.of<tflite::LogicalNot>(f.input(0)));
  return std::nullopt;
}

Refusal lower_where(Lowering& lowering) {
  if (Refusal refusal = refuse_unmovable(lowering)) return refusal;
  Formula f(lowering);
  TensorId condition = f.input(0), a = f.input(1), b = f.input(2);
  const Shape shape = lowering.output_shape();
  if (shape.size() > most_broadcast) {
    condition = f.broadcast(condition, shape);
    a = f.broadcast(a, shape);
    b = f.broadcast(b, shape);
  }
  f.result(f.select(condition, a, b));
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "Equal",
     .inputs = {2, 2},
     .infer = infer_compare,
     .fold = fold_equal,
     .lower = lower_comparison<tflite::Equal>},
    {.type = "Less",
     .inputs = {2, 2},
     .infer = infer_compare,
     .fold = fold_less,
     .lower = lower_comparison<tflite::Less>},
    {.type = "LessOrEqual",
     .inputs = {2, 2},
     .infer = infer_compare,
     .fold = fold_less_or_equal,
     .lower = lower_comparison<tflite::LessEqual>},
    {.type = "Greater",
     .inputs = {2, 2},
     .infer = infer_compare,
     .fold = fold_greater,
     .lower = lower_comparison<tflite::Greater>},
    {.type = "GreaterOrEqual",
     .inputs = {2, 2},
     .infer = infer_compare,
     .fold = fold_greater_or_equal,
     .lower = lower_comparison<tflite::GreaterEqual>},
    {.type = "And",
     .inputs = {2, 2},
     .infer = infer_compare,
     .fold = fold_and,
     .lower = lower_comparison<tflite::LogicalAnd>},
    {.type = "Or",
     .inputs = {2, 2},
     .infer = infer_compare,
     .fold = fold_or,
     .lower = lower_comparison<tflite::LogicalOr>},
    {.type = "Xor",
     .inputs = {2, 2},
     .infer = infer_compare,
     .fold = fold_xor,
     .lower = lower_comparison<tflite::NotEqual>},
    {.type = "Not", .inputs = {1, 1}, .infer = infer_not, .fold = fold_not, .lower = lower_not},
    {.type = "If", .inputs = {3, any_number}, .infer = infer_if},
    {.type = "Where", .inputs = {3, 3}, .infer = infer_where, .fold = fold_where, .lower = lower_where},
};

}  // namespace

const OpFamily& compare_family() {
  static const OpFamily family{onnx_rows, compare_tflite_rows()};
  return family;
}

}  // namespace calib8
