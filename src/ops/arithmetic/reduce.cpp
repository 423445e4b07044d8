#include <fmt/format.h>

#include <algorithm>

#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/file_options.h"
#include "ops/formula.h"
#include "ops/infer.h"
#include "ops/infer_tflite.h"
#include "ops/strided.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

// --- ONNX ---

/// The reduced axes, ascending; nothing where they are an input that isn't constant.
std::optional<std::vector<std::int64_t>> reduced_axes(const NodeView& view, std::size_t rank) {
  std::vector<std::int64_t> axes;
  if (view.has_input(1)) {
    const auto constant = constant_integers(view, 1);
    if (!constant) return std::nullopt;
    axes = normalized_axes(view, *constant, rank);
  }
  if (axes.empty() && view.node.get_int("noop_with_empty_axes", 0) == 0) {
    for (std::size_t axis = 0; axis < rank; ++axis) axes.push_back(static_cast<std::int64_t>(axis));
  }
  return axes;
}

bool keeps_dimensions(const NodeView& view) {
  return view.node.get_int("keepdims", 1) != 0;
}

std::vector<OnnxType> infer_reduce(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  if (!x.has_rank()) return {{x.dtype, std::nullopt}};
  const auto axes = reduced_axes(view, x.shape->size());
  if (!axes) {
    if (keeps_dimensions(view)) return {{x.dtype, Dimensions(x.shape->size())}};
    return {{x.dtype, std::nullopt}};
  }
  OnnxType result{x.dtype, Dimensions{}};
  for (std::size_t axis = 0; axis < x.shape->size(); ++axis) {
    const bool is_reduced = std::binary_search(axes->begin(), axes->end(), static_cast<std::int64_t>(axis));
    if (!is_reduced) result.shape->push_back((*x.shape)[axis]);
    if (is_reduced && keeps_dimensions(view)) result.shape->push_back(known(1));
  }
  return {result};
}

/// Combines the elements along the axes with `combine`, in order, from `start` (or from the first element
/// where there is none), in type Sum; then `finish(sum, count)`.
struct Reduction {
  const Tensor& tensor;
  const std::vector<std::int64_t>& axes;
  Shape result;  ///< The output's shape.
};

template <class T, class Sum, class Combine, class Finish>
Tensor reduce(const Reduction& reduction, std::optional<Sum> start, Combine combine, Finish finish) {
  Shape kept = reduction.tensor.shape;
  for (const std::int64_t axis : reduction.axes) kept[static_cast<std::size_t>(axis)] = 1;
  const auto outputs = static_cast<std::size_t>(element_count(kept).value());
  std::vector<Sum> sums(outputs, start.value_or(Sum{}));
  std::vector<std::int64_t> counts(outputs, 0);
  const auto values = reduction.tensor.as<T>();
  const Shape none(kept.size(), 0);
  for_each_pair(reduction.tensor.shape, broadcast_strides(kept, reduction.tensor.shape), none,
                [&](std::int64_t i, std::int64_t to, std::int64_t) {
                  const auto at = static_cast<std::size_t>(to);
                  const auto value = static_cast<Sum>(values[static_cast<std::size_t>(i)]);
                  sums[at] = counts[at] == 0 && !start ? value : combine(sums[at], value);
                  ++counts[at];
                });
  std::vector<T> finished;
  finished.reserve(outputs);
  for (std::size_t i = 0; i < outputs; ++i) finished.push_back(static_cast<T>(finish(sums[i], counts[i])));
  return make_tensor(reduction.result, std::move(finished));
}

/// Real sums are made in double and rounded once; integer ones in uint64, where they wrap around.
template <class Combine, class Finish>
std::vector<Tensor> fold_sum(const NodeView& view, double start, Combine combine, Finish finish) {
  const Tensor* tensor = view.constant(0);
  if (!tensor) return {};
  const auto axes = reduced_axes(view, tensor->shape.size());
  if (!axes) return {};
  const Reduction reduction{*tensor, *axes, infer_reduce(view)[0].static_shape()};
  if (!is_foldable_size(reduction.result, DType::float64)) return {};
  const auto integer_start = static_cast<std::uint64_t>(start);
  switch (tensor->dtype) {
    case DType::float32:
      return {reduce<float, double>(reduction, start, combine, finish)};
    case DType::int32:
      return {reduce<std::int32_t, std::uint64_t>(reduction, integer_start, combine, finish)};
    case DType::int64:
      return {reduce<std::int64_t, std::uint64_t>(reduction, integer_start, combine, finish)};
    default:
      return {};
  }
}

template <class Combine>
std::vector<Tensor> fold_extreme(const NodeView& view, Combine combine) {
  const Tensor* tensor = view.constant(0);
  if (!tensor || tensor->count() == 0) return {};
  const auto axes = reduced_axes(view, tensor->shape.size());
  if (!axes) return {};
  const Reduction reduction{*tensor, *axes, infer_reduce(view)[0].static_shape()};
  if (!is_foldable_size(reduction.result, DType::float64)) return {};
  const auto finish = [](auto value, std::int64_t) { return value; };
  switch (tensor->dtype) {
    case DType::float32:
      return {reduce<float, float>(reduction, std::nullopt, combine, finish)};
    case DType::int32:
      return {reduce<std::int32_t, std::int32_t>(reduction, std::nullopt, combine, finish)};
    case DType::int64:
      return {reduce<std::int64_t, std::int64_t>(reduction, std::nullopt, combine, finish)};
    default:
      return {};
  }
}

std::vector<Tensor> fold_reduce_sum(const NodeView& view) {
  return fold_sum(
      view, 0, [](auto a, auto b) { return a + b; }, [](auto sum, std::int64_t) { return sum; });
}
std::vector<Tensor> fold_reduce_prod(const NodeView& view) {
  return fold_sum(
      view, 1, [](auto a, auto b) { return a * b; }, [](auto sum, std::int64_t) { return sum; });
}
std::vector<Tensor> fold_reduce_mean(const NodeView& view) {
  const Tensor* tensor = view.constant(0);
  if (!tensor || tensor->dtype != DType::float32) return {};
  const auto divide = [](auto sum, std::int64_t count) { return sum / static_cast<decltype(sum)>(count); };
  return fold_sum(
      view, 0, [](auto a, auto b) { return a + b; }, divide);
}
std::vector<Tensor> fold_reduce_max(const NodeView& view) {
  return fold_extreme(view, [](auto a, auto b) { return a != a || a > b ? a : b; });
}
std::vector<Tensor> fold_reduce_min(const NodeView& view) {
  return fold_extreme(view, [](auto a, auto b) { return a != a || a < b ? a : b; });
}

/// What a reduction does before, with and after its sum.
enum class Form { sum_of_sizes, sum_of_squares, root_of_squares, log_of_sum, log_of_exponentials };

/// The largest is taken out of the exponentials, so that none overflows.
TensorId log_of_exponentials(Formula& f, TensorId x, const std::vector<std::int64_t>& axes) {
  const TensorId top = f.reduce<tflite::ReduceMax>(x, axes);
  const TensorId sum = f.reduce<tflite::Sum>(f.of<tflite::Exp>(f.sub(x, top)), axes);
  return f.add(f.of<tflite::Log>(sum), top);
}

TensorId reduced(Formula& f, TensorId x, const std::vector<std::int64_t>& axes, Form form) {
  switch (form) {
    case Form::sum_of_sizes:
      return f.reduce<tflite::Sum>(f.of<tflite::Abs>(x), axes);
    case Form::sum_of_squares:
      return f.reduce<tflite::Sum>(f.mul(x, x), axes);
    case Form::root_of_squares:
      return f.of<tflite::Sqrt>(f.reduce<tflite::Sum>(f.mul(x, x), axes));
    case Form::log_of_sum:
      return f.of<tflite::Log>(f.reduce<tflite::Sum>(x, axes));
    case Form::log_of_exponentials:
      return log_of_exponentials(f, x, axes);
  }
  return x;
}

template <Form form>
Refusal lower_form(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  Formula f(lowering);
  const TensorId x = f.input(0);
  const auto axes = reduced_axes(lowering, f.rank(x));
  if (!axes) return "axes that are not constant";
  if (axes->empty() && f.rank(x) > 0) return "a reduction over no axes";
  f.result(f.rank(x) == 0 ? reduced(f, f.reshape(x, {1}), {0}, form) : reduced(f, x, *axes, form));
  return std::nullopt;
}

template <class Op>
Refusal lower_reduce(Lowering& lowering) {
  if (Refusal refusal = refuse_other_than_numbers(lowering)) return refusal;
  const TensorId x = lowering.input(0);
  const auto axes = reduced_axes(lowering, lowering.target[x].shape.size());
  if (!axes) return "axes that are not constant";
  if (axes->empty()) {
    lowering.set_output(0, x);
    return std::nullopt;
  }
  Op op;
  op.keep_dims = keeps_dimensions(lowering);
  const TensorId constant = lowering.constant("axes", as_int32(lowering, *axes));
  lowering.set_output(0, lowering.emit(op, {x, constant}, lowering.output_shape()));
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "ReduceMean",
     .inputs = {1, 2},
     .infer = infer_reduce,
     .fold = fold_reduce_mean,
     .lower = lower_reduce<tflite::Mean>,
     .traits = {.sign = Sign::keeps}},
    {.type = "ReduceSum",
     .inputs = {1, 2},
     .infer = infer_reduce,
     .fold = fold_reduce_sum,
     .lower = lower_reduce<tflite::Sum>,
     .traits = {.sign = Sign::keeps}},
    {.type = "ReduceMax",
     .inputs = {1, 2},
     .infer = infer_reduce,
     .fold = fold_reduce_max,
     .lower = lower_reduce<tflite::ReduceMax>,
     .traits = {.sign = Sign::keeps}},
    {.type = "ReduceMin",
     .inputs = {1, 2},
     .infer = infer_reduce,
     .fold = fold_reduce_min,
     .lower = lower_reduce<tflite::ReduceMin>,
     .traits = {.sign = Sign::keeps}},
    {.type = "ReduceProd",
     .inputs = {1, 2},
     .infer = infer_reduce,
     .fold = fold_reduce_prod,
     .lower = lower_reduce<tflite::ReduceProd>,
     .traits = {.sign = Sign::keeps}},
    {.type = "ReduceL1",
     .inputs = {1, 2},
     .infer = infer_reduce,
     .lower = lower_form<Form::sum_of_sizes>,
     .traits = {.sign = Sign::never_negative}},
    {.type = "ReduceL2",
     .inputs = {1, 2},
     .infer = infer_reduce,
     .lower = lower_form<Form::root_of_squares>,
     .traits = {.sign = Sign::never_negative}},
    {.type = "ReduceSumSquare",
     .inputs = {1, 2},
     .infer = infer_reduce,
     .lower = lower_form<Form::sum_of_squares>,
     .traits = {.sign = Sign::never_negative}},
    {.type = "ReduceLogSum", .inputs = {1, 2}, .infer = infer_reduce, .lower = lower_form<Form::log_of_sum>},
    {.type = "ReduceLogSumExp",
     .inputs = {1, 2},
     .infer = infer_reduce,
     .lower = lower_form<Form::log_of_exponentials>},
};

// --- TFLite ---

/// Axes may be named twice or count from the end.
template <class Op>
std::vector<TensorType> infer_reducer(const OperatorView& view) {
  view.require_type(0, number_types);
  const TfliteTensor& x = view.input(0);
  std::vector<bool> is_reduced(x.shape.size(), false);
  for (const std::int64_t axis : view.integers(1, "its axes")) {
    is_reduced[axis_of(view, axis, x.shape.size())] = true;
  }
  Shape shape;
  for (std::size_t i = 0; i < x.shape.size(); ++i) {
    if (!is_reduced[i]) shape.push_back(x.shape[i]);
    if (is_reduced[i] && view.options<Op>().keep_dims) shape.push_back(1);
  }
  return {{x.dtype, std::move(shape)}};
}

template <class Op>
TfliteOp::WrittenOptions write_reducer(flatbuffers::FlatBufferBuilder& builder,
                                       const tflite::Options& options) {
  return written(schema::BuiltinOptions::ReducerOptions,
                 schema::CreateReducerOptions(builder, std::get<Op>(options).keep_dims));
}

template <class Op>
tflite::Options read_reducer(const schema::Operator& op) {
  Op options;
  if (const auto* table = options_table<schema::ReducerOptions>(op)) options.keep_dims = table->keep_dims();
  return options;
}

constexpr OpFamily::TfliteRow tflite_rows[] = {
    {alternative_of<tflite::ReduceProd>,
     {.name = tflite::ReduceProd::name,
      .inputs = {2, 2},
      .most_dimensions = 6,
      .infer = infer_reducer<tflite::ReduceProd>,
      .sign = SignEffect::keeps,
      .builtin_code = 81,
      .rule = keep_float("products of many numbers leave any range of int8"),
      .write = write_reducer<tflite::ReduceProd>,
      .read = read_reducer<tflite::ReduceProd>,
      .runs_on_xnnpack = xnnpack_never,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.11.0", "2.6.0"});
          }}},
    {alternative_of<tflite::Mean>,
     {.name = tflite::Mean::name,
      .inputs = {2, 2},
      .most_dimensions = 6,
      .infer = infer_reducer<tflite::Mean>,
      .sign = SignEffect::keeps,
      .builtin_code = 40,
      .rule = own_range_with(ScaleRelation::rescaled),
      .version = version_by_type<0>,
      .write = write_reducer<tflite::Mean>,
      .read = read_reducer<tflite::Mean>,
      .runs_on_xnnpack = xnnpack_any_scales,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.6.0", "1.14.0", "2.4.0"});
          }}},
    {alternative_of<tflite::Sum>,
     {.name = tflite::Sum::name,
      .inputs = {2, 2},
      .most_dimensions = 6,
      .infer = infer_reducer<tflite::Sum>,
      .sign = SignEffect::keeps,
      .builtin_code = 74,
      .rule = own_range_with(ScaleRelation::rescaled),
      .version = version_by_type<0, 1>,
      .write = write_reducer<tflite::Sum>,
      .read = read_reducer<tflite::Sum>,
      .runs_on_xnnpack = xnnpack_any_scales,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.10.0", "1.15.0"});
          }}},
    {alternative_of<tflite::ReduceMax>,
     {.name = tflite::ReduceMax::name,
      .inputs = {2, 2},
      .most_dimensions = 6,
      .infer = infer_reducer<tflite::ReduceMax>,
      .sign = SignEffect::keeps,
      .builtin_code = 82,
      .rule = {OutputRange::same_as_input},
      .version = version_by_type<0>,
      .write = write_reducer<tflite::ReduceMax>,
      .read = read_reducer<tflite::ReduceMax>,
      .runs_on_xnnpack = xnnpack_moves_bytes,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.11.0", "1.14.0", "2.5.0"});
          }}},
    {alternative_of<tflite::ReduceMin>,
     {.name = tflite::ReduceMin::name,
      .inputs = {2, 2},
      .most_dimensions = 6,
      .infer = infer_reducer<tflite::ReduceMin>,
      .sign = SignEffect::keeps,
      .builtin_code = 89,
      .rule = {OutputRange::same_as_input},
      .version = version_by_type<0>,
      .write = write_reducer<tflite::ReduceMin>,
      .read = read_reducer<tflite::ReduceMin>,
      .runs_on_xnnpack = xnnpack_moves_bytes,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.11.0", "1.14.0", "2.5.0"});
          }}},
};

}  // namespace

const OpFamily& reduce_family() {
  static const OpFamily family{onnx_rows, tflite_rows};
  return family;
}

}  // namespace calib8
