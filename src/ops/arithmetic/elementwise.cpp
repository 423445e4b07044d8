#include <algorithm>
#include <cmath>

#include "ops/all_ops.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/arithmetic/elementwise_rows.h"
#include "ops/emit.h"
#include "ops/formula.h"
#include "ops/infer.h"

namespace calib8 {
namespace {

std::vector<OnnxType> infer_broadcast(const NodeView& view) {
  OnnxType result = view.input_type(0);
  const bool is_power = view.node.op_type == "Pow";
  for (std::size_t i = 1; i < view.node.inputs.size(); ++i) {
    const OnnxType& next = view.input_type(i);
    if (!is_power && next.dtype != result.dtype) view.fail("its inputs have different types");
    if (!result.has_rank() || !next.has_rank()) {
      result.shape.reset();
    } else {
      result.shape = broadcast(view, *result.shape, *next.shape);
    }
  }
  return {result};
}

std::vector<OnnxType> infer_binary(const NodeView& view) {
  view.input_type(1);  // fails where it is missing
  return infer_broadcast(view);
}

std::vector<OnnxType> infer_same(const NodeView& view) {
  return {view.input_type(0)};
}

/// An operand with the rank of the result, so that whatever permutes the one can permute the other.
TensorId operand(Lowering& lowering, std::size_t position) {
  const Shape result = lowering.output_shape();
  Shape shape = lowering.input_shape(position);
  shape.insert(shape.begin(), result.size() - shape.size(), 1);
  if (const Tensor* constant = lowering.constant(position); constant && constant->dtype == DType::float32) {
    if (constant->shape != shape) {
      return lowering.constant("constant_" + std::to_string(position),
                               Tensor{constant->dtype, std::move(shape), constant->data});
    }
  }
  const TensorId tensor = lowering.input(position);
  if (!lowering.target.is_constant(tensor) || lowering.target[tensor].shape == shape)
    return emit_reshape(lowering, tensor, shape, "broadcast_" + std::to_string(position));
  const Tensor integers = lowering.target[tensor].as_tensor();
  return lowering.constant("constant_" + std::to_string(position),
                           Tensor{integers.dtype, std::move(shape), integers.data});
}

/// A constant of one element that broadcasts to the result.
TensorId scalar(Lowering& lowering, std::string_view part, float value) {
  return lowering.constant(part,
                           make_tensor(Shape(lowering.output_shape().size(), 1), std::vector<float>{value}));
}

template <class Op>
Refusal lower_binary(Lowering& lowering) {
  if (Refusal refusal = refuse_other_than_numbers(lowering)) return refusal;
  constexpr bool commutes = std::is_same_v<Op, tflite::Add> || std::is_same_v<Op, tflite::Mul>;
  // A constant stands second, whatever order the exporter chose.
  const std::size_t first = commutes && lowering.constant(0) ? 1 : 0;
  const TensorId a = operand(lowering, first), b = operand(lowering, 1 - first);
  lowering.set_output(0, lowering.emit(Op{}, {a, b}, lowering.output_shape()));
  return std::nullopt;
}

Refusal lower_div(Lowering& lowering) {
  const Tensor* divisor = lowering.constant(1);
  if (divisor && is_floating(divisor->dtype)) {
    const std::vector<float> values = to_float(*divisor);
    const auto zero =
        std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(1 / value); });
    if (zero != values.end()) return "division by the constant " + std::to_string(*zero);
  }
  return lower_binary<tflite::Div>(lowering);
}

template <class Op>
Refusal lower_variadic(Lowering& lowering) {
  if (Refusal refusal = refuse_other_than_numbers(lowering)) return refusal;
  TensorId result = operand(lowering, 0);
  for (std::size_t i = 1; i < lowering.node.inputs.size(); ++i) {
    const bool is_last = i + 1 == lowering.node.inputs.size();
    // The broadcast of the operands so far; equal ranks make that simple.
    const TensorId next = operand(lowering, i);
    Shape shape = lowering.target[result].shape;
    const Shape& other = lowering.target[next].shape;
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
      shape[axis] = shape[axis] == 1 ? other[axis] : shape[axis];
    result = lowering.emit(Op{}, {result, next}, shape, is_last ? "" : "part_" + std::to_string(i));
  }
  lowering.set_output(0, result);
  return std::nullopt;
}

template <class Op>
Refusal lower_unary(Lowering& lowering) {
  constexpr bool takes_integers = std::is_same_v<Op, tflite::Abs> || std::is_same_v<Op, tflite::Neg>;
  if (Refusal refusal = takes_integers ? refuse_other_than_numbers(lowering) : refuse_integers(lowering))
    return refusal;
  lowering.set_output(0, lowering.emit(Op{}, {lowering.input(0)}, lowering.output_shape()));
  return std::nullopt;
}

Refusal lower_reciprocal(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const TensorId one = scalar(lowering, "one", 1.0f);
  lowering.set_output(0, lowering.emit(tflite::Div{}, {one, lowering.input(0)}, lowering.output_shape()));
  return std::nullopt;
}

Refusal lower_function_of_two(Lowering& lowering) {
  Formula f(lowering);
  TensorId exponents = f.input(1);
  if (lowering.target.is_constant(exponents) && lowering.target[exponents].dtype != DType::float32) {
    const Tensor& given = *lowering.constant(1);
    exponents = f.constant(make_tensor(given.shape, to_float(given)));
  }
  f.result(f.of<tflite::Pow>(f.input(0), exponents));
  return std::nullopt;
}

/// POW has no int8 kernel; the exponents that models use have operators of their own.
Refusal lower_pow(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const Tensor* constant = lowering.constant(1);
  if (!constant || constant->count() != 1) return lower_function_of_two(lowering);
  const float exponent = to_float(*constant)[0];
  const Shape shape = lowering.output_shape();
  const TensorId x = operand(lowering, 0);
  TensorId result;
  if (exponent == 1.0f) {
    result = x;
  } else if (exponent == 2.0f) {
    result = lowering.emit(tflite::Mul{}, {x, x}, shape);
  } else if (exponent == 3.0f) {
    const TensorId square = lowering.emit(tflite::Mul{}, {x, x}, shape, "square");
    result = lowering.emit(tflite::Mul{}, {square, x}, shape);
  } else if (exponent == 4.0f) {
    const TensorId square = lowering.emit(tflite::Mul{}, {x, x}, shape, "square");
    result = lowering.emit(tflite::Mul{}, {square, square}, shape);
  } else if (exponent == -1.0f) {
    result = lowering.emit(tflite::Div{}, {scalar(lowering, "one", 1.0f), x}, shape);
  } else if (exponent == 0.5f) {
    result = lowering.emit(tflite::Sqrt{}, {x}, shape);
  } else if (exponent == -0.5f) {
    result = lowering.emit(tflite::Rsqrt{}, {x}, shape);
  } else {
    return lower_function_of_two(lowering);
  }
  lowering.set_output(0, result);
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "Add",
     .inputs = {2, 2},
     .infer = infer_binary,
     .fold = fold_add,
     .lower = lower_binary<tflite::Add>,
     .traits = {.sign = Sign::combines}},
    {.type = "Sub",
     .inputs = {2, 2},
     .infer = infer_binary,
     .fold = fold_sub,
     .lower = lower_binary<tflite::Sub>},
    {.type = "Mul",
     .inputs = {2, 2},
     .infer = infer_binary,
     .fold = fold_mul,
     .lower = lower_binary<tflite::Mul>,
     .traits = {.sign = Sign::combines}},
    {.type = "Div", .inputs = {2, 2}, .infer = infer_binary, .fold = fold_div, .lower = lower_div},
    {.type = "Pow", .inputs = {2, 2}, .infer = infer_binary, .fold = fold_pow, .lower = lower_pow},
    {.type = "Max",
     .inputs = {1, any_number},
     .infer = infer_broadcast,
     .fold = fold_max,
     .lower = lower_variadic<tflite::Maximum>,
     .traits = {.sign = Sign::combines}},
    {.type = "Min",
     .inputs = {1, any_number},
     .infer = infer_broadcast,
     .fold = fold_min,
     .lower = lower_variadic<tflite::Minimum>,
     .traits = {.sign = Sign::combines}},
    {.type = "Sqrt",
     .inputs = {1, 1},
     .infer = infer_same,
     .fold = fold_sqrt,
     .lower = lower_unary<tflite::Sqrt>,
     .traits = {.sign = Sign::never_negative}},
    {.type = "Exp",
     .inputs = {1, 1},
     .infer = infer_same,
     .fold = fold_exp,
     .lower = lower_unary<tflite::Exp>,
     .traits = {.sign = Sign::never_negative}},
    {.type = "Log",
     .inputs = {1, 1},
     .infer = infer_same,
     .fold = fold_log,
     .lower = lower_unary<tflite::Log>},
    {.type = "Abs",
     .inputs = {1, 1},
     .infer = infer_same,
     .fold = fold_abs,
     .lower = lower_unary<tflite::Abs>,
     .traits = {.sign = Sign::never_negative}},
    {.type = "Neg",
     .inputs = {1, 1},
     .infer = infer_same,
     .fold = fold_neg,
     .lower = lower_unary<tflite::Neg>},
    {.type = "Reciprocal",
     .inputs = {1, 1},
     .infer = infer_same,
     .fold = fold_reciprocal,
     .lower = lower_reciprocal},
};

}  // namespace

const OpFamily& elementwise_family() {
  static const OpFamily family{onnx_rows, elementwise_tflite_rows()};
  return family;
}

}  // namespace calib8
