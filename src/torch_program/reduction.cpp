// Sums, means and extremes over dimensions, and what is chosen by size.

#include <algorithm>
#include <limits>

#include "torch_program/operator_rows.h"

namespace calib8 {
namespace {

/// The dimensions that are reduced; none stands for all.
Integers axes_of(const OperatorCall& call, OnnxValueId x) {
  Integers axes;
  for (const std::int64_t axis : call.integers("dim"))
    axes.push_back(static_cast<std::int64_t>(call.axis(axis, call.rank(x))));
  if (call.rank(x) == 0) axes.clear();
  return axes;
}

bool keeps(const OperatorCall& call) {
  return call.flag("keepdim", false);
}

/// The argument in the type of the result: what sums are made in.
OnnxValueId in_output_type(OperatorCall& call) {
  return call.cast(call.tensor("self"), call.output_dtype());
}

template <const char* Operator>
OnnxValueId over_dimensions(OperatorCall& call) {
  const OnnxValueId x = in_output_type(call);
  return call.reduce(Operator, x, axes_of(call, x), keeps(call));
}

/// Nonzero anywhere, or everywhere.
template <const char* Operator>
OnnxValueId of_truths(OperatorCall& call) {
  const OnnxValueId truth = call.cast(call.tensor("self"), DType::boolean);
  const OnnxValueId x = call.cast(truth, DType::float32);
  const OnnxValueId y = call.reduce(Operator, x, axes_of(call, x), keeps(call));
  return call.emit("Greater", {y, call.number_constant(0.5)});
}

template <const char* Operator>
OnnxValueId index_of(OperatorCall& call) {
  OnnxValueId x = call.tensor("self");
  const bool of_all = !call.has("dim");
  if (of_all) x = call.reshape(x, {element_count(call.shape(x)).value()});
  const std::size_t axis = of_all ? 0 : call.axis_of("dim", x, 0);
  return call.emit(Operator, {x},
                   {{"axis", static_cast<std::int64_t>(axis)}, {"keepdims", std::int64_t{keeps(call)}}});
}

/// max() of all elements, or values and indices along one dimension; of two tensors, element by element.
template <const char* Reduce, const char* Index, const char* Pair>
Values extreme(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  if (call.has("other")) return {call.emit(Pair, {x, call.cast(call.tensor("other"), call.dtype(x))})};
  if (!call.has("dim")) return {call.reduce(Reduce, x, {}, false)};
  const auto axis = static_cast<std::int64_t>(call.axis_of("dim", x, 0));
  const bool keep = keeps(call);
  return {call.reduce(Reduce, x, {axis}, keep),
          call.emit(Index, {x}, {{"axis", axis}, {"keepdims", std::int64_t{keep}}})};
}

/// (sum |x|^p)^(1/p)
OnnxValueId vector_norm(OperatorCall& call) {
  const OnnxValueId x = call.cast(call.tensor("self"), DType::float32);
  const double order = call.has("ord") ? call.number("ord") : call.number("p", 2);
  const Integers axes = axes_of(call, x);
  const bool keep = keeps(call);
  if (order == 2) return call.reduce("ReduceL2", x, axes, keep);
  if (order == 1) return call.reduce("ReduceL1", x, axes, keep);
  const OnnxValueId size = call.emit("Abs", {x});
  if (order == std::numeric_limits<double>::infinity()) return call.reduce("ReduceMax", size, axes, keep);
  if (order == -std::numeric_limits<double>::infinity()) return call.reduce("ReduceMin", size, axes, keep);
  if (order == 0) call.fail("counts what isn't zero");
  const OnnxValueId sum =
      call.reduce("ReduceSum", call.emit("Pow", {size, call.number_constant(order)}), axes, keep);
  return call.emit("Pow", {sum, call.number_constant(1 / order)});
}

struct Moments {
  OnnxValueId variance, mean;
};

/// The mean of squared distances from the mean, times n / (n - correction).
Moments moments(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  const Integers axes = axes_of(call, x);
  const Shape shape = call.shape(x);
  double count = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool is_reduced = axes.empty() || std::ranges::count(axes, static_cast<std::int64_t>(i)) > 0;
    if (is_reduced) count *= static_cast<double>(shape[i]);
  }
  double correction = call.number("correction", 1);
  if (call.has("unbiased")) correction = call.flag("unbiased", true) ? 1 : 0;
  const OnnxValueId distance = call.emit("Sub", {x, call.reduce("ReduceMean", x, axes, true)});
  OnnxValueId variance = call.reduce("ReduceMean", call.emit("Mul", {distance, distance}), axes, keeps(call));
  if (count <= correction) call.fail("takes the variance of too few elements");
  if (correction != 0)
    variance = call.emit("Mul", {variance, call.number_constant(count / (count - correction))});
  return {variance, call.reduce("ReduceMean", x, axes, keeps(call))};
}

OnnxValueId variance(OperatorCall& call) {
  return moments(call).variance;
}
OnnxValueId deviation(OperatorCall& call) {
  return call.emit("Sqrt", {moments(call).variance});
}
Values variance_and_mean(OperatorCall& call) {
  const Moments both = moments(call);
  return {both.variance, both.mean};
}
Values deviation_and_mean(OperatorCall& call) {
  const Moments both = moments(call);
  return {call.emit("Sqrt", {both.variance}), both.mean};
}

OnnxValueId running_sum(OperatorCall& call) {
  const OnnxValueId x = in_output_type(call);
  const auto axis = static_cast<std::int64_t>(call.axis_of("dim", x, 0));
  return call.emit("CumSum", {x, call.number_constant(Scalar(axis), DType::int64)});
}

Values top(OperatorCall& call, OnnxValueId x, std::int64_t count, std::size_t axis, bool largest) {
  return call.emit_several("TopK", {x, call.integers_constant({count})},
                           {{"axis", static_cast<std::int64_t>(axis)},
                            {"largest", std::int64_t{largest}},
                            {"sorted", std::int64_t{1}}},
                           2);
}

Values largest(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  return top(call, x, call.integer("k"), call.axis_of("dim", x, -1), call.flag("largest", true));
}

Values sorted(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  const std::size_t axis = call.axis_of("dim", x, -1);
  return top(call, x, call.shape(x).at(axis), axis, call.flag("descending", false));
}

constexpr char sum[] = "ReduceSum", mean[] = "ReduceMean", max_name[] = "ReduceMax", min_name[] = "ReduceMin",
               product[] = "ReduceProd", log_sum_exp[] = "ReduceLogSumExp", arg_max[] = "ArgMax",
               arg_min[] = "ArgMin", larger[] = "Max", smaller[] = "Min";

constexpr OperatorRow rows[] = {
    {"aten.sum", over_dimensions<sum>},
    {"aten.mean", over_dimensions<mean>},
    {"aten.prod", over_dimensions<product>},
    {"aten.logsumexp", over_dimensions<log_sum_exp>},
    {"aten.amax", over_dimensions<max_name>},
    {"aten.amin", over_dimensions<min_name>},
    {"aten.max", extreme<max_name, arg_max, larger>},
    {"aten.min", extreme<min_name, arg_min, smaller>},
    {"aten.argmax", index_of<arg_max>},
    {"aten.argmin", index_of<arg_min>},
    {"aten.any", of_truths<max_name>},
    {"aten.all", of_truths<min_name>},
    {"aten.linalg_vector_norm", vector_norm},
    {"aten.norm", vector_norm},
    {"aten.var", variance},
    {"aten.std", deviation},
    {"aten.var_mean", variance_and_mean},
    {"aten.std_mean", deviation_and_mean},
    {"aten.cumsum", running_sum},
    {"aten.topk", largest},
    {"aten.sort", sorted},
};

}  // namespace

std::span<const OperatorRow> reduction_operators() {
  return rows;
}

}  // namespace calib8
