// ArgMax, ArgMin, TopK, CumSum, Hardmax and OneHot; ARG_MAX, ARG_MIN and TOPK_V2.

#include <fmt/format.h>

#include <numeric>

#include "calib8/error.h"
#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/formula.h"
#include "ops/infer.h"
#include "ops/plain_rows.h"

namespace calib8 {
namespace {

// --- ONNX ---

std::size_t axis_of_node(const NodeView& view, std::size_t rank, std::int64_t fallback) {
  return static_cast<std::size_t>(normalized_axis(view, view.node.get_int("axis", fallback), rank));
}

/// The permutation that swaps an axis with the last one; its own inverse.
std::vector<std::int64_t> swapped_with_last(std::size_t axis, std::size_t rank) {
  std::vector<std::int64_t> permutation(rank);
  std::iota(permutation.begin(), permutation.end(), 0);
  std::swap(permutation[axis], permutation[rank - 1]);
  return permutation;
}

std::vector<OnnxType> infer_arg(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  if (!x.has_rank()) return {{DType::int64, std::nullopt}};
  const std::size_t axis = axis_of_node(view, x.shape->size(), 0);
  Dimensions sizes = *x.shape;
  if (view.node.get_int("keepdims", 1) != 0) {
    sizes[axis] = known(1);
  } else {
    sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(axis));
  }
  return {{DType::int64, std::move(sizes)}};
}

template <class Op>
Refusal lower_arg(Lowering& lowering) {
  if (Refusal refusal = refuse_other_than_numbers(lowering)) return refusal;
  if (lowering.node.get_int("select_last_index", 0) != 0) return "select_last_index";
  Formula f(lowering);
  const TensorId x = f.input(0);
  const std::size_t axis = axis_of_node(lowering, f.rank(x), 0);
  Shape shape = f.shape(x);
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  const TensorId place = f.integer(static_cast<std::int64_t>(axis));
  f.result(f.emit(Op{}, {x, place}, shape, DType::int32));
  return std::nullopt;
}

std::vector<OnnxType> infer_topk(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  if (!x.has_rank()) return {{x.dtype, std::nullopt}, {DType::int64, std::nullopt}};
  const std::size_t axis = axis_of_node(view, x.shape->size(), -1);
  const auto k = constant_integers(view, 1);
  if (k && (k->size() != 1 || (*k)[0] < 0)) view.fail("its k is not one count");
  Dimensions sizes = *x.shape;
  sizes[axis] = k ? known((*k)[0]) : Dimension{};
  if (k && (*x.shape)[axis].is_known() && (*k)[0] > (*x.shape)[axis].size)
    view.fail(fmt::format("takes {} of {} elements", (*k)[0], (*x.shape)[axis].size));
  return {{x.dtype, sizes}, {DType::int64, sizes}};
}

/// TOPK_V2 takes the largest, along the last axis; the least are the largest of the negated.
Refusal lower_topk(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const auto k = constant_integers(lowering, 1);
  if (!k) return "a k that is not constant";
  Formula f(lowering);
  TensorId x = f.input(0);
  const std::size_t rank = f.rank(x), axis = axis_of_node(lowering, rank, -1);
  const bool takes_least = lowering.node.get_int("largest", 1) == 0;
  const auto permutation = swapped_with_last(axis, rank);
  x = f.transpose(x, permutation);
  if (takes_least) x = f.of<tflite::Neg>(x);
  Shape shape = f.shape(x);
  shape.back() = (*k)[0];
  TfliteGraph& target = lowering.target;
  TensorId values =
      target.add_value({lowering.tensor_name("values"), DType::float32, shape, std::nullopt, std::nullopt});
  const TensorId indices =
      target.add_value({lowering.tensor_name("indices"), DType::int32, shape, std::nullopt, std::nullopt});
  target.append({tflite::TopKV2{}, {x, f.integer((*k)[0])}, {values, indices}});
  if (takes_least) values = f.of<tflite::Neg>(values);
  f.result(f.transpose(values, permutation));
  if (lowering.node.outputs.size() > 1 && lowering.node.outputs[1].exists())
    f.result(f.transpose(indices, permutation), 1);
  return std::nullopt;
}

std::vector<OnnxType> infer_first(const NodeView& view) {
  return {view.input_type(0)};
}

Refusal lower_cumulative_sum(Lowering& lowering) {
  if (Refusal refusal = refuse_other_than_numbers(lowering)) return refusal;
  const auto axis = constant_integers(lowering, 1);
  if (!axis || axis->size() != 1) return "an axis that is not constant";
  Formula f(lowering);
  const TensorId x = f.input(0);
  const tflite::CumSum op{lowering.node.get_int("exclusive", 0) != 0,
                          lowering.node.get_int("reverse", 0) != 0};
  const TensorId place = f.integer(normalized_axis(lowering, (*axis)[0], f.rank(x)));
  f.result(f.emit(op, {x, place}, f.shape(x)));
  return std::nullopt;
}

std::vector<OnnxType> infer_one_hot(const NodeView& view) {
  const OnnxType &indices = view.input_type(0), &values = view.input_type(2);
  const auto depth = constant_integers(view, 1);
  if (!indices.has_rank()) return {{values.dtype, std::nullopt}};
  Dimensions sizes = *indices.shape;
  const std::size_t axis = axis_of_node(view, sizes.size() + 1, -1);
  const bool is_known = depth && depth->size() == 1;
  sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(axis),
               is_known ? known((*depth)[0]) : Dimension{});
  return {{values.dtype, std::move(sizes)}};
}

//   OneHot(indices)   ->   RESHAPE, EQUAL(0 1 2 ...), SELECT_V2(on, off)
Refusal lower_one_hot(Lowering& lowering) {
  if (Refusal refusal = refuse_other_than_numbers(lowering)) return refusal;
  const auto depth = constant_integers(lowering, 1);
  const Tensor* values = lowering.constant(2);
  if (!depth || !values || values->count() != 2) return "a depth or values that are not constant";
  Formula f(lowering);
  const TensorId indices = f.cast(f.input(0), DType::int32);
  const Shape result = lowering.output_shape();
  const std::size_t axis = axis_of_node(lowering, result.size(), -1);
  Shape column = result, row(result.size(), 1);
  column[axis] = 1;
  row[axis] = (*depth)[0];
  std::vector<std::int64_t> places(static_cast<std::size_t>((*depth)[0]));
  std::iota(places.begin(), places.end(), 0);
  const TensorId lined = f.reshape(indices, column);
  // Negative indices count from the end.
  const TensorId from_end = f.add(lined, f.integers(Shape(result.size(), 1), {(*depth)[0]}));
  const TensorId is_negative = f.compare<tflite::Less>(lined, f.integers(Shape(result.size(), 1), {0}));
  const TensorId place = f.select(is_negative, from_end, lined);
  const TensorId hits = f.compare<tflite::Equal>(place, f.integers(row, places));
  const std::vector<float> pair = to_float(*values);
  const DType dtype = lowering.target[f.input(2)].dtype;
  const auto value = [&](std::size_t i) {
    const TensorId number = f.number(static_cast<double>(pair[i]), result.size());
    return dtype == DType::float32
               ? number
               : f.integers(Shape(result.size(), 1), {static_cast<std::int64_t>(pair[i])});
  };
  f.result(f.select(hits, value(1), value(0)));
  return std::nullopt;
}

//   Hardmax(x)   ->   1 where ARG_MAX points, else 0
Refusal lower_hardmax(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  Formula f(lowering);
  const TensorId x = f.input(0);
  const std::size_t axis = axis_of_node(lowering, f.rank(x), -1);
  Shape line(f.rank(x), 1), without = f.shape(x), column = f.shape(x);
  line[axis] = column[axis];
  column[axis] = 1;
  without.erase(without.begin() + static_cast<std::ptrdiff_t>(axis));
  std::vector<std::int64_t> places(static_cast<std::size_t>(line[axis]));
  std::iota(places.begin(), places.end(), 0);
  const TensorId found =
      f.emit(tflite::ArgMax{}, {x, f.integer(static_cast<std::int64_t>(axis))}, without, DType::int32);
  const TensorId hits = f.compare<tflite::Equal>(f.reshape(found, column), f.integers(line, places));
  f.result(f.cast(hits, DType::float32));
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "ArgMax", .inputs = {1, 1}, .infer = infer_arg, .lower = lower_arg<tflite::ArgMax>},
    {.type = "ArgMin", .inputs = {1, 1}, .infer = infer_arg, .lower = lower_arg<tflite::ArgMin>},
    {.type = "TopK",
     .inputs = {2, 2},
     .infer = infer_topk,
     .lower = lower_topk,
     .traits = {.has_optional_outputs = true}},
    {.type = "CumSum", .inputs = {2, 2}, .infer = infer_first, .lower = lower_cumulative_sum},
    {.type = "OneHot", .inputs = {3, 3}, .infer = infer_one_hot, .lower = lower_one_hot},
    {.type = "Hardmax",
     .inputs = {1, 1},
     .infer = infer_first,
     .lower = lower_hardmax,
     .traits = {.sign = Sign::never_negative}},
};

// --- TFLite ---

std::vector<TensorType> infer_arg_tflite(const OperatorView& view) {
  view.require_type(0, number_types);
  const Shape& x = view.input(0).shape;
  const auto axes = view.integers(1, "its axis");
  if (axes.size() != 1) view.fail("takes one axis");
  Shape shape = x;
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis_of(view, axes[0], x.size())));
  return {{DType::int32, std::move(shape)}};
}

std::vector<TensorType> infer_topk_tflite(const OperatorView& view) {
  view.require_type(0, number_types);
  const TfliteTensor& x = view.input(0);
  const auto k = view.integers(1, "its count");
  if (x.shape.empty() || k.size() != 1 || k[0] < 1 || k[0] > x.shape.back())
    view.fail(fmt::format("can't take {} of {}", to_string(k), to_string(x.shape)));
  Shape shape = x.shape;
  shape.back() = k[0];
  return {{x.dtype, shape}, {DType::int32, shape}};
}

template <class Op>
tflite::Options of_table(const schema::TensorType type) {
  if (type != schema::TensorType::INT32)
    throw Error(ErrorCode::model, "places that are not int32 are not supported");
  return Op{};
}
TfliteOp::WrittenOptions write_arg_max(flatbuffers::FlatBufferBuilder& builder, const tflite::Options&) {
  return written(schema::BuiltinOptions::ArgMaxOptions,
                 schema::CreateArgMaxOptions(builder, schema::TensorType::INT32));
}
TfliteOp::WrittenOptions write_arg_min(flatbuffers::FlatBufferBuilder& builder, const tflite::Options&) {
  return written(schema::BuiltinOptions::ArgMinOptions,
                 schema::CreateArgMinOptions(builder, schema::TensorType::INT32));
}

constexpr TfliteOp arg_row(std::int32_t code) {
  return {.inputs = {2, 2},
          .infer = infer_arg_tflite,
          .builtin_code = code,
          .rule = int8_only(OutputRange::own_range),
          .version = version_by_type<0, 1>,
          .minimum_runtime = [](int version) {
            return release_of(version, {"1.9.0", "1.14.0"});
          }};
}
constexpr TfliteOp arg_max_row() {
  TfliteOp op = arg_row(56);
  op.write = write_arg_max;
  op.read = [](const schema::Operator& source) {
    return of_table<tflite::ArgMax>(required_table<schema::ArgMaxOptions>(source).output_type());
  };
  return op;
}
constexpr TfliteOp arg_min_row() {
  TfliteOp op = arg_row(79);
  op.write = write_arg_min;
  op.read = [](const schema::Operator& source) {
    return of_table<tflite::ArgMin>(required_table<schema::ArgMinOptions>(source).output_type());
  };
  return op;
}

constexpr OpFamily::TfliteRow tflite_rows[] = {
    row_of<tflite::ArgMax>(arg_max_row()),
    row_of<tflite::ArgMin>(arg_min_row()),
    row_of<tflite::TopKV2>({.inputs = {2, 2},
                            .infer = infer_topk_tflite,
                            .sign = SignEffect::keeps,
                            .builtin_code = 48,
                            .rule = int8_only(OutputRange::same_as_input),
                            .version = version_by_type<0>,
                            .minimum_runtime =
                                [](int version) {
                                  return release_of(version, {"1.7.0", "1.14.0", "2.13.0"});
                                }}),
};

}  // namespace

const OpFamily& order_family() {
  static const OpFamily family{onnx_rows, tflite_rows};
  return family;
}

}  // namespace calib8
