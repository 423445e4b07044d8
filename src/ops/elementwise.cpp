#include <algorithm>
#include <cmath>

#include "ops/all_ops.h"
#include "ops/arithmetic.h"
#include "ops/emit.h"
#include "ops/file_options.h"
#include "ops/infer.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

// --- ONNX ---

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
  return emit_reshape(lowering, lowering.input(position), shape, "broadcast_" + std::to_string(position));
}

/// A constant of one element that broadcasts to the result.
TensorId scalar(Lowering& lowering, std::string_view part, float value) {
  return lowering.constant(part,
                           make_tensor(Shape(lowering.output_shape().size(), 1), std::vector<float>{value}));
}

template <class Op>
Refusal lower_binary(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  constexpr bool commutes = std::is_same_v<Op, tflite::Add> || std::is_same_v<Op, tflite::Mul>;
  // A constant stands second, whatever order the exporter chose.
  const std::size_t first = commutes && lowering.constant(0) ? 1 : 0;
  const TensorId a = operand(lowering, first), b = operand(lowering, 1 - first);
  lowering.set_output(0, lowering.emit(Op{}, {a, b}, lowering.output_shape()));
  return std::nullopt;
}

/// x / c is x * (1 / c): DIV's int8 kernel is wrong near zero, and not delegated.
Refusal lower_div(Lowering& lowering) {
  const Tensor* divisor = lowering.constant(1);
  if (!divisor || divisor->dtype != DType::float32) return lower_binary<tflite::Div>(lowering);
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  std::vector<float> factors;
  for (const float value : divisor->as<float>()) {
    factors.push_back(1.0f / value);
    if (!std::isfinite(factors.back())) return "division by the constant " + std::to_string(value);
  }
  Shape shape = divisor->shape;
  shape.insert(shape.begin(), lowering.output_shape().size() - shape.size(), 1);
  const TensorId factor = lowering.constant("reciprocal", make_tensor(std::move(shape), std::move(factors)));
  const TensorId x = operand(lowering, 0);
  lowering.set_output(0, lowering.emit(tflite::Mul{}, {x, factor}, lowering.output_shape()));
  return std::nullopt;
}

template <class Op>
Refusal lower_variadic(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
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
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  lowering.set_output(0, lowering.emit(Op{}, {lowering.input(0)}, lowering.output_shape()));
  return std::nullopt;
}

/// -x is x * -1: NEG's int8 kernel ignores the zero point.
Refusal lower_neg(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const TensorId minus_one = scalar(lowering, "minus_one", -1.0f);
  lowering.set_output(0,
                      lowering.emit(tflite::Mul{}, {lowering.input(0), minus_one}, lowering.output_shape()));
  return std::nullopt;
}

Refusal lower_reciprocal(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const TensorId one = scalar(lowering, "one", 1.0f);
  lowering.set_output(0, lowering.emit(tflite::Div{}, {one, lowering.input(0)}, lowering.output_shape()));
  return std::nullopt;
}

/// POW has no int8 kernel; the exponents that models use have operators of their own.
Refusal lower_pow(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const Tensor* constant = lowering.constant(1);
  if (!constant || constant->count() != 1) return "exponent that is not one constant";
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
  } else if (exponent == 0.5f) {
    result = lowering.emit(tflite::Sqrt{}, {x}, shape);
  } else if (exponent == -0.5f) {
    result = lowering.emit(tflite::Rsqrt{}, {x}, shape);
  } else {
    return "exponent " + std::to_string(exponent);
  }
  lowering.set_output(0, result);
  return std::nullopt;
}

constexpr OnnxOp onnx_rows[] = {
    {"Add", infer_broadcast, fold_add, lower_binary<tflite::Add>},
    {"Sub", infer_broadcast, fold_sub, lower_binary<tflite::Sub>},
    {"Mul", infer_broadcast, fold_mul, lower_binary<tflite::Mul>},
    {"Div", infer_broadcast, fold_div, lower_div},
    {"Mod", infer_broadcast, fold_mod},
    {"Pow", infer_broadcast, fold_pow, lower_pow},
    {"Max", infer_broadcast, fold_max, lower_variadic<tflite::Maximum>},
    {"Min", infer_broadcast, fold_min, lower_variadic<tflite::Minimum>},
    {"Sqrt", infer_same, fold_sqrt, lower_unary<tflite::Sqrt>},
    {"Exp", infer_same, fold_exp, lower_unary<tflite::Exp>},
    {"Log", infer_same, fold_log, lower_unary<tflite::Log>},
    {"Abs", infer_same, fold_abs, lower_unary<tflite::Abs>},
    {"Neg", infer_same, fold_neg, lower_neg},
    {"Reciprocal", infer_same, fold_reciprocal, lower_reciprocal},
    {"Floor", infer_same, fold_floor},
    {"Ceil", infer_same, fold_ceil},
};

// --- TFLite ---

std::int64_t rank_of_inputs(const TfliteGraph& graph, const TfliteOperator& op) {
  return static_cast<std::int64_t>(
      std::max(graph[op.inputs.at(0)].shape.size(), graph[op.inputs.at(1)].shape.size()));
}

/// SUB, DIV, MAXIMUM and MINIMUM count a broadcast of more than four dimensions as a version of its own.
bool broadcasts_over_four(const TfliteGraph& graph, const TfliteOperator& op) {
  return graph[op.inputs.at(0)].shape != graph[op.inputs.at(1)].shape && rank_of_inputs(graph, op) > 4;
}

int version_of_broadcast(const TfliteGraph& graph, const TfliteOperator& op) {
  return broadcasts_over_four(graph, op) ? 3 : version_by_type<0>(graph, op);
}

int version_of_div(const TfliteGraph& graph, const TfliteOperator& op) {
  return broadcasts_over_four(graph, op) ? 2 : 1;
}

/// s1 * s2 / s_out; 0 where one of them has no scale. In float32, as op_version.cc and the delegate have it.
float product_scale(const TfliteGraph& graph, const TfliteOperator& op) {
  const float output = scale_of(output_of(graph, op));
  if (output == 0) return 0;
  return scale_of(input_of(graph, op, 0)) * scale_of(input_of(graph, op, 1)) / output;
}

int version_of_mul(const TfliteGraph& graph, const TfliteOperator& op) {
  return product_scale(graph, op) >= 1.0f ? 3 : version_by_type<0>(graph, op);
}

/// int8 ADD and SUB: input scale / output scale in [1/1024, 256), else the builtin kernel runs.
bool xnnpack_takes_sum(const TfliteGraph& graph, const TfliteOperator& op) {
  const auto type = xnnpack_type(graph, op);
  if (type != DType::int8) return type.has_value();
  for (const TensorId input : op.inputs) {
    const float ratio = scale_of(graph[input]) / scale_of(output_of(graph, op));
    if (!(ratio >= 1.0f / 1024 && ratio < 256.0f)) return false;
  }
  return true;
}

/// int8 MUL: s1 * s2 / s_out in [1/65536, 256).
bool xnnpack_takes_product(const TfliteGraph& graph, const TfliteOperator& op) {
  const auto type = xnnpack_type(graph, op);
  if (type != DType::int8) return type.has_value();
  const float ratio = product_scale(graph, op);
  return ratio >= 1.0f / 65536 && ratio < 256.0f;
}

template <class Op, class Table, schema::BuiltinOptions type>
TfliteOp::WrittenOptions write_binary(flatbuffers::FlatBufferBuilder& builder,
                                      const tflite::Options& options) {
  typename Table::Builder table(builder);
  table.add_fused_activation_function(to_schema(std::get<Op>(options).activation));
  return written(type, table.Finish());
}

template <class Op, class Table>
tflite::Options read_binary(const schema::Operator& op) {
  Op options;
  if (const Table* table = op.builtin_options_as<Table>()) {
    options.activation = from_schema(table->fused_activation_function());
  }
  return options;
}

template <class Table, schema::BuiltinOptions type>
TfliteOp::WrittenOptions write_empty(flatbuffers::FlatBufferBuilder& builder, const tflite::Options&) {
  return written(type, typename Table::Builder(builder).Finish());
}

constexpr QuantizationRule own_range{OutputRange::own_range};
constexpr QuantizationRule same_as_output{OutputRange::same_as_output};
constexpr QuantizationRule keep_float{OutputRange::keep_float};

using Options = schema::BuiltinOptions;

constexpr OpFamily::TfliteRow tflite_rows[] = {
    {alternative_of<tflite::Add>,
     {.name = "ADD",
      .builtin_code = 0,
      .rule = own_range,
      .version = version_by_type<0>,
      .write = write_binary<tflite::Add, schema::AddOptions, Options::AddOptions>,
      .read = read_binary<tflite::Add, schema::AddOptions>,
      .runs_on_xnnpack = xnnpack_takes_sum,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.5.0", "1.14.0"});
          }}},
    {alternative_of<tflite::Sub>,
     {.name = "SUB",
      .builtin_code = 41,
      .rule = own_range,
      .version = version_of_broadcast,
      .write = write_binary<tflite::Sub, schema::SubOptions, Options::SubOptions>,
      .read = read_binary<tflite::Sub, schema::SubOptions>,
      .runs_on_xnnpack = xnnpack_takes_sum,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.6.0", "1.14.0", "2.3.0"});
          }}},
    {alternative_of<tflite::Mul>,
     {.name = "MUL",
      .builtin_code = 18,
      .rule = own_range,
      .version = version_of_mul,
      .write = write_binary<tflite::Mul, schema::MulOptions, Options::MulOptions>,
      .read = read_binary<tflite::Mul, schema::MulOptions>,
      .runs_on_xnnpack = xnnpack_takes_product,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.5.0", "1.14.0", "1.15.0"});
          }}},
    {alternative_of<tflite::Div>,
     {.name = "DIV",
      .builtin_code = 42,
      .rule = keep_float,  // the int8 kernel saturates where the quotient is near 0
      .version = version_of_div,
      .write = write_binary<tflite::Div, schema::DivOptions, Options::DivOptions>,
      .read = read_binary<tflite::Div, schema::DivOptions>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.6.0", "2.3.0"});
          }}},
    {alternative_of<tflite::Maximum>,
     {.name = "MAXIMUM",
      .builtin_code = 55,
      .rule = same_as_output,
      .version = version_of_broadcast,
      .write = write_empty<schema::MaximumMinimumOptions, Options::MaximumMinimumOptions>,
      .read = read_plain<tflite::Maximum>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.14.0", "1.14.0", "2.3.0"});
          }}},
    {alternative_of<tflite::Minimum>,
     {.name = "MINIMUM",
      .builtin_code = 57,
      .rule = same_as_output,
      .version = version_of_broadcast,
      .write = write_empty<schema::MaximumMinimumOptions, Options::MaximumMinimumOptions>,
      .read = read_plain<tflite::Minimum>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.14.0", "1.14.0", "2.3.0"});
          }}},
    {alternative_of<tflite::Exp>,
     {.name = "EXP",
      .builtin_code = 47,
      .rule = own_range,
      .version = version_by_type<0>,
      .write = write_empty<schema::ExpOptions, Options::ExpOptions>,
      .read = read_plain<tflite::Exp>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.7.0", "2.12.0"});
          }}},
    {alternative_of<tflite::Log>,
     {.name = "LOG",
      .builtin_code = 73,
      .rule = own_range,
      .version = version_by_type<0>,
      .read = read_plain<tflite::Log>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.14.0", "2.15.0"});
          }}},
    {alternative_of<tflite::Sqrt>,
     {.name = "SQRT",
      .builtin_code = 75,
      .rule = own_range,
      .version = version_by_type<0>,
      .read = read_plain<tflite::Sqrt>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.10.0", "2.21.0"});
          }}},
    {alternative_of<tflite::Rsqrt>,
     {.name = "RSQRT",
      .builtin_code = 76,
      .rule = own_range,
      .version = version_by_type<0>,
      .read = read_plain<tflite::Rsqrt>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.10.0", "2.5.0"});
          }}},
    {alternative_of<tflite::Abs>,
     {.name = "ABS",
      .builtin_code = 101,
      .rule = own_range,
      .version = version_by_type<0>,
      .write = write_empty<schema::AbsOptions, Options::AbsOptions>,
      .read = read_plain<tflite::Abs>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.13.0", "2.4.0"});
          }}},
    {alternative_of<tflite::Neg>,
     {.name = "NEG",
      .builtin_code = 59,
      .rule = keep_float,  // the int8 kernel negates the raw numbers, whatever the zero point
      .write = write_empty<schema::NegOptions, Options::NegOptions>,
      .read = read_plain<tflite::Neg>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime = [](int) -> std::string_view { return "1.9.0"; }}},
};

}  // namespace

const OpFamily& elementwise_family() {
  static const OpFamily family{onnx_rows, tflite_rows};
  return family;
}

}  // namespace calib8
