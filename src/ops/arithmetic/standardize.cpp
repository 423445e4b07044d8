// LayerNormalization, InstanceNormalization, GroupNormalization, LpNormalization,
// MeanVarianceNormalization and LRN, which use the values' own statistics. TFLite has no operator for them.

#include <numeric>

#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/formula.h"
#include "ops/infer.h"

namespace calib8 {
namespace {

using Axes = std::vector<std::int64_t>;

/// Mean and deviation, where a node gives them out, have size 1 along what they are of.
std::vector<OnnxType> infer_layer(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  std::vector<OnnxType> types{x};
  OnnxType statistics = x;
  if (x.has_rank()) {
    const auto first = normalized_axis(view, view.node.get_int("axis", -1), x.shape->size());
    for (std::size_t axis = static_cast<std::size_t>(first); axis < x.shape->size(); ++axis)
      (*statistics.shape)[axis] = known(1);
  }
  for (std::size_t i = 1; i < view.node.outputs.size(); ++i) types.push_back(statistics);
  return types;
}

std::vector<OnnxType> infer_same(const NodeView& view) {
  return {view.input_type(0)};
}

Axes axes_from(std::int64_t first, std::size_t rank) {
  Axes axes(rank - static_cast<std::size_t>(first));
  std::iota(axes.begin(), axes.end(), first);
  return axes;
}

struct Standardized {
  TensorId values, mean, factor;
};

//   (x - mean) / sqrt(variance + epsilon)   ->   MEAN, SUB, MUL(d, d), MEAN, ADD, RSQRT, MUL
Standardized standardized(Formula& f, TensorId x, const Axes& axes, double epsilon) {
  const TensorId mean = f.reduce<tflite::Mean>(x, axes);
  const TensorId from_mean = f.sub(x, mean);
  const TensorId variance = f.reduce<tflite::Mean>(f.mul(from_mean, from_mean), axes);
  const TensorId factor = f.of<tflite::Rsqrt>(f.add(variance, epsilon));
  return {f.mul(from_mean, factor), mean, factor};
}

double epsilon_of(const Lowering& lowering) {
  return static_cast<double>(lowering.node.get_float("epsilon", 1e-5f));
}

/// A factor or offset in the shape that broadcasts; nothing to do where the node has none.
template <class Op>
TensorId apply(Formula& f, const Lowering& lowering, TensorId y, std::size_t position, const Shape& shape) {
  if (!lowering.has_input(position)) return y;
  return f.of<Op>(y, f.reshape(f.input(position), shape));
}

Refusal lower_layer(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  Formula f(lowering);
  const TensorId x = f.input(0);
  const auto first = normalized_axis(lowering, lowering.node.get_int("axis", -1), f.rank(x));
  const Standardized result = standardized(f, x, axes_from(first, f.rank(x)), epsilon_of(lowering));
  TensorId y = f.mul(result.values, f.input(1));
  if (lowering.has_input(2)) y = f.add(y, f.input(2));
  f.result(y);
  const auto give = [&](std::size_t position, TensorId tensor) {
    if (position < lowering.node.outputs.size() && lowering.node.outputs[position].exists())
      f.result(tensor, position);
  };
  give(1, result.mean);
  give(2, result.factor);
  return std::nullopt;
}

Refusal lower_instance(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  Formula f(lowering);
  const TensorId x = f.input(0);
  if (f.rank(x) < 3) return "an input without positions";
  Shape channels(f.rank(x), 1);
  channels[1] = f.shape(x)[1];
  TensorId y = standardized(f, x, axes_from(2, f.rank(x)), epsilon_of(lowering)).values;
  y = apply<tflite::Mul>(f, lowering, y, 1, channels);
  f.result(apply<tflite::Add>(f, lowering, y, 2, channels));
  return std::nullopt;
}

/// Channels last all the way, with the groups' own axis before that of a group's channels.
//   [N, H, W, C]   ->   RESHAPE [N, H, W, G, C / G], standardized over all but N and G, RESHAPE
Refusal lower_group(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const std::int64_t groups = lowering.node.get_int("num_groups", 0);
  Formula f(lowering);
  const Shape from = lowering.input_shape(0);
  if (from.size() < 2 || groups < 1 || from[1] % groups != 0)
    lowering.fail(std::to_string(groups) + " groups don't fit " + to_string(from));
  TensorId x = from.size() > 2 ? lowering.to_channels_last(f.input(0)) : f.input(0);
  const Shape last = f.shape(x);
  // Positions along one axis, as kernels know few.
  std::int64_t positions = 1;
  for (std::size_t axis = 1; axis + 1 < last.size(); ++axis) positions *= last[axis];
  x = f.reshape(x, {last[0], positions, groups, from[1] / groups});
  TensorId y = standardized(f, x, {1, 3}, epsilon_of(lowering)).values;
  const bool is_per_group = lowering.input_shape(1) == Shape{groups} && groups != from[1];
  if (is_per_group) {
    y = apply<tflite::Mul>(f, lowering, y, 1, {1, 1, groups, 1});
    y = apply<tflite::Add>(f, lowering, y, 2, {1, 1, groups, 1});
  }
  y = f.reshape(y, last);
  if (!is_per_group) {
    Shape channels(last.size(), 1);
    channels.back() = from[1];
    y = apply<tflite::Mul>(f, lowering, y, 1, channels);
    y = apply<tflite::Add>(f, lowering, y, 2, channels);
  }
  f.result(from.size() > 2 ? lowering.to_channels_first(y) : y);
  return std::nullopt;
}

Refusal lower_lp(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  Formula f(lowering);
  const TensorId x = f.input(0);
  const Axes axes{normalized_axis(lowering, lowering.node.get_int("axis", -1), f.rank(x))};
  if (lowering.node.get_int("p", 2) == 1) {
    f.result(f.div(x, f.reduce<tflite::Sum>(f.of<tflite::Abs>(x), axes)));
  } else {
    f.result(f.div(x, f.of<tflite::Sqrt>(f.reduce<tflite::Sum>(f.mul(x, x), axes))));
  }
  return std::nullopt;
}

Refusal lower_mean_variance(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  Formula f(lowering);
  const TensorId x = f.input(0);
  const Axes axes = normalized_axes(lowering, lowering.node.get_ints("axes", {0, 2, 3}), f.rank(x));
  f.result(standardized(f, x, axes, 1e-9).values);
  return std::nullopt;
}

/// x / (bias + alpha / size * sum of the squares of `size` neighbouring channels)^beta: the sum is a product
/// with a constant matrix, which holds a band of ones.
Refusal lower_local_response(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const std::int64_t size = lowering.node.get_int("size", 0), channels = lowering.input_shape(0).at(1);
  constexpr std::int64_t most_channels = 4096;
  if (size < 1) lowering.fail("a size of " + std::to_string(size));
  if (channels > most_channels) return "a response over more than 4096 channels";
  const auto alpha = static_cast<double>(lowering.node.get_float("alpha", 1e-4f));
  const float bias = lowering.node.get_float("bias", 1.0f);
  std::vector<float> band(static_cast<std::size_t>(channels * channels), 0.0f);
  for (std::int64_t to = 0; to < channels; ++to) {
    const std::int64_t low = std::max<std::int64_t>(0, to - (size - 1) / 2);
    const std::int64_t high = std::min(channels - 1, to + size / 2);
    for (std::int64_t from = low; from <= high; ++from)
      band[static_cast<std::size_t>(to * channels + from)] =
          static_cast<float>(alpha / static_cast<double>(size));
  }
  Formula f(lowering);
  const TensorId x = lowering.to_channels_last(f.input(0));
  const TensorId matrix = f.constant(make_tensor({channels, channels}, std::move(band)));
  const TensorId offset =
      f.constant(make_tensor({channels}, std::vector<float>(static_cast<std::size_t>(channels), bias)));
  const TensorId sum = f.linear(f.mul(x, x), matrix, offset);
  const auto beta = static_cast<double>(lowering.node.get_float("beta", 0.75f));
  // s^-beta as e^(-beta log s), which both kernels have.
  const TensorId factor = f.of<tflite::Exp>(f.mul(f.of<tflite::Log>(sum), -beta));
  f.result(lowering.to_channels_first(f.mul(x, factor)));
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "LayerNormalization",
     .inputs = {2, 3},
     .infer = infer_layer,
     .lower = lower_layer,
     .traits = {.has_optional_outputs = true}},
    {.type = "InstanceNormalization", .inputs = {3, 3}, .infer = infer_same, .lower = lower_instance},
    {.type = "GroupNormalization", .inputs = {3, 3}, .infer = infer_same, .lower = lower_group},
    {.type = "LpNormalization", .inputs = {1, 1}, .infer = infer_same, .lower = lower_lp},
    {.type = "MeanVarianceNormalization",
     .inputs = {1, 1},
     .infer = infer_same,
     .lower = lower_mean_variance},
    {.type = "LRN", .inputs = {1, 1}, .infer = infer_same, .lower = lower_local_response},
};

}  // namespace

const OpFamily& standardize_family() {
  static const OpFamily family{onnx_rows, {}};
  return family;
}

}  // namespace calib8
